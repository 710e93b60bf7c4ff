/** Finds out, before an attempt may finish, whether all it says it sent is here. */
import type { Artifacts } from './artifacts.ts'
import type { ByteStore, StreamKey, StreamName } from './attempt-log.ts'
import type { Events } from './events-apply.ts'
import type { FinishRequest } from './protocol.ts'
import type { Completeness, JobFacts } from './streams.ts'

export interface CompletionOptions {
  readonly store: ByteStore
  readonly events: Events
  readonly artifacts: Artifacts
}

const streamNames: readonly StreamName[] = ['log', 'events']

export class Completion {
  readonly #options: CompletionOptions
  /** Digests that were computed, by stream: `finish` may be sent more than once. */
  readonly #digests = new Map<string, { size: number; sha256: string }>()

  constructor(options: CompletionOptions) {
    this.#options = options
  }

  async check(job: JobFacts, attempt: number, finish: FinishRequest): Promise<Completeness> {
    const { store, events, artifacts } = this.#options
    const keyOf = (stream: StreamName) => ({ jobId: job.id, attempt, stream })
    const [log, written] = await Promise.all(streamNames.map((name) => store.size(keyOf(name))))
    const sizes = { log: log ?? 0, events: written ?? 0 }
    if (sizes.log < finish.log.size || sizes.events < finish.events.size) {
      return { ok: false, status: 416, ...sizes }
    }
    const differs: StreamName[] = []
    for (const stream of streamNames) {
      const { size, sha256 } = finish[stream]
      const same = sizes[stream] === size && (await this.#digest(keyOf(stream), size)) === sha256
      if (same) continue
      await store.reset(keyOf(stream))
      differs.push(stream)
    }
    if (differs.length > 0) return { ok: false, status: 412, differs }
    const missing = await artifacts.missing(job, finish.artifacts)
    if (missing.length > 0) return { ok: false, status: 424, missing }
    await events.apply(job.id, attempt, true)
    // The sender deletes its own copy now.
    for (const stream of streamNames) await store.sync(keyOf(stream))
    return { ok: true }
  }

  forget(jobId: string, attempt: number): void {
    for (const stream of streamNames) this.#digests.delete(nameOf({ jobId, attempt, stream }))
  }

  async #digest(key: StreamKey, size: number): Promise<string> {
    const known = this.#digests.get(nameOf(key))
    if (known?.size === size) return known.sha256
    const hasher = new Bun.CryptoHasher('sha256')
    for await (const piece of this.#options.store.read(key, 0, size)) hasher.update(piece)
    const sha256 = hasher.digest('hex')
    this.#digests.set(nameOf(key), { size, sha256 })
    return sha256
  }
}

const nameOf = ({ jobId, attempt, stream }: StreamKey): string => `${jobId}/${attempt}/${stream}`
