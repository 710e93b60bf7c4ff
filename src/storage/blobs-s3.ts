/** Blobs as objects of an S3-compatible bucket: `blobs/<digest>`. */
import { rm } from 'node:fs/promises'
import type { BlobStore } from './blobs-spooled.ts'
import { UnavailableError } from './errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown'

const reached = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw new UnavailableError(`The S3 bucket cannot be used (${codeOf(error)})`, error)
  }
}

const clientOf = (env: Environment): Bun.S3Client => {
  const options = {
    bucket: env.S3_BUCKET,
    endpoint: env.S3_ENDPOINT ?? env.AWS_ENDPOINT_URL,
    region: env.S3_REGION ?? env.AWS_REGION,
    accessKeyId: env.S3_ACCESS_KEY_ID ?? env.AWS_ACCESS_KEY_ID,
    secretAccessKey: env.S3_SECRET_ACCESS_KEY ?? env.AWS_SECRET_ACCESS_KEY,
    sessionToken: env.S3_SESSION_TOKEN ?? env.AWS_SESSION_TOKEN,
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return new Bun.S3Client(Object.fromEntries(given))
}

/** Large enough for 10,000 parts of an 80 GB checkpoint, small enough to hold a few in memory. */
const partSize = 8 * 1024 * 1024

export const s3Store = (env: Environment, prefix: string): BlobStore => {
  const client = clientOf(env)
  const objectOf = (sha256: string) => client.file(`${prefix}/${sha256}`)

  const sizeOf = (sha256: string): Promise<number | null> =>
    reached(async () => {
      try {
        return (await objectOf(sha256).stat()).size
      } catch (error) {
        if (codeOf(error) === 'NoSuchKey') return null
        throw error
      }
    })

  /** Part by part: an object appears whole or not at all. */
  const upload = async (path: string, sha256: string): Promise<void> => {
    const writer = objectOf(sha256).writer({ partSize, queueSize: 2, retry: 3 })
    for await (const chunk of Bun.file(path).stream()) {
      writer.write(chunk)
      await writer.flush()
    }
    await writer.end()
  }

  return {
    sizeOf,
    adopt: async (path, { sha256, sizeBytes }) => {
      if ((await sizeOf(sha256)) !== sizeBytes) {
        await reached(() => upload(path, sha256))
        const stored = await sizeOf(sha256)
        if (stored !== sizeBytes) {
          throw new UnavailableError(`The S3 bucket kept ${stored} of ${sizeBytes} bytes`)
        }
      }
      await rm(path, { force: true })
    },
    read: (sha256, start, end) => objectOf(sha256).slice(start, end).stream(),
    delete: (sha256) => reached(() => objectOf(sha256).delete()),
  }
}
