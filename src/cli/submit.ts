/** Hands a job in together with the files it needs: submitted first, so only what lacks is sent. */
import type { Plan } from '../jobs/plan.ts'
import type { Submission } from '../jobs/submission.ts'
import type { JobView } from '../jobs/view.ts'
import { type Api, ApiError } from './api.ts'
import { type Context, Refusal } from './client-verb.ts'
import { listFolder, type LocalFile } from './folder.ts'
import { bytesBar } from './progress.ts'
import { formatSize } from './quantities.ts'
import type { Screen } from './screen.ts'
import { type DigestedFile, digestAll, sendAll } from './upload.ts'
import { persist } from './persist.ts'

/** Each round sends all that the server says it lacks; a second one is for a deletion meanwhile. */
const maxRounds = 3

/** A file this large, and its digest takes long enough to be shown. */
const sumOf = (files: readonly LocalFile[]): number =>
  files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

export const submit = async (
  submission: Submission & { readonly plan: Plan },
  folder: string | undefined,
  { api, output }: Context,
  screen: Screen,
): Promise<JobView> => {
  const files = folder === undefined ? [] : await readFolder(folder, screen)
  const idempotency_key = crypto.randomUUID()
  const plan: Plan = { ...submission.plan, ...(files.length > 0 && { files: files.map(asInput) }) }
  let first = true
  for (let round = 1; ; round++) {
    try {
      const post = () =>
        api.json<JobView>('POST', '/api/jobs', { ...submission, plan, idempotency_key })
      // With the first word a server that is away is told at once.
      const job = await (first ? post() : persist(post))
      return job
    } catch (error) {
      first = false
      const missing = missingIn(error, files)
      if (missing.length === 0 || round === maxRounds) throw error
      await send(api, missing, screen)
      await output.record({ type: 'sent', files: missing.length, size_bytes: sumOf(missing) })
    }
  }
}

const asInput = ({ path, sha256, sizeBytes, executable }: DigestedFile) => ({
  path,
  sha256,
  sizeBytes,
  ...(executable && { executable }),
})

const readFolder = async (folder: string, screen: Screen): Promise<DigestedFile[]> => {
  const { files, remarks } = await listFolder(folder)
  for (const remark of remarks) screen.note(`hearth run: ${remark}`)
  const total = sumOf(files)
  let done = 0
  return digestAll(files, (count) => {
    done += count
    screen.show(bytesBar('reading', done, total))
  })
}

/** The files whose content the server asks for, one for each content. */
const missingIn = (error: unknown, files: readonly DigestedFile[]): DigestedFile[] => {
  if (!(error instanceof ApiError) || error.code !== 'validation') return []
  const byDigest = new Map(files.map((file) => [file.sha256, file]))
  const digests = new Set(error.issues.map(({ message }) => message))
  return [...digests].flatMap((digest) => byDigest.get(digest) ?? [])
}

const send = async (api: Api, files: readonly DigestedFile[], screen: Screen): Promise<void> => {
  const total = sumOf(files)
  const count = files.length === 1 ? '1 file' : `${files.length} files`
  if (!screen.isLive) screen.note(`sending ${count}, ${formatSize(total)}`)
  let done = 0
  let isWaiting = false
  const show = () => screen.show(bytesBar(`sending ${count}`, done, total))
  show()
  try {
    await sendAll(api, files, {
      onBytes: (bytes) => {
        isWaiting = false
        done += bytes
        show()
      },
      onWait: (error) => {
        if (!isWaiting) screen.note(`hearth run: ${error.message} Trying again.`)
        isWaiting = true
      },
    })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new Refusal(`${error.message}; start again once nothing writes to the folder`)
  }
}
