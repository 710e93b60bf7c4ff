/** Takes what a program left into the plugin's own blobs: jobs may be deleted, results may not. */
import type { Blobs, JobBytes, Who } from '../../../src/sdk.ts'
import type { KeptFile } from '../journal/node.ts'

export interface KeepLimits {
  readonly files: number
  readonly bytes: number
}

export const keepLimits: KeepLimits = { files: 1_000, bytes: 2 ** 30 }

export interface KeptArtifacts {
  readonly files: readonly KeptFile[]
  /** Names of what was too much. */
  readonly leftOut: readonly string[]
}

/** The submission first: it is kept whatever else there is. */
const important = 'working/submission.csv'

export const keepArtifacts = async (
  bytes: JobBytes,
  blobs: Blobs,
  who: Who,
  jobId: string,
  limits: KeepLimits,
): Promise<KeptArtifacts> => {
  const found = (await bytes.artifacts(who, jobId))
    .filter(({ path }) => path !== 'working/.keep')
    .sort((a, b) => Number(b.path === important) - Number(a.path === important))
  const files: KeptFile[] = []
  const leftOut: string[] = []
  let total = 0
  for (const { path, sha256, size } of found) {
    if (files.length >= limits.files || total + size > limits.bytes) {
      leftOut.push(path)
      continue
    }
    total += size
    if (!(await blobs.info(sha256))) {
      await blobs.put(await bytes.artifact(who, jobId, path), { sha256 })
    }
    files.push({ path, sha256, sizeBytes: size })
  }
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), leftOut: leftOut.sort() }
}
