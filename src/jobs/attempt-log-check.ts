/** Finds out, before an attempt may finish, whether all it says it sent is here. */
import type { Artifacts } from './artifacts.ts'
import { type ByteStore, type StreamKey, type StreamName, streamNames } from './attempt-log.ts'
import type { Events } from './events-apply.ts'
import type { FinishRequest } from './protocol.ts'
import type { Completeness, JobFacts } from './streams.ts'

export interface CompletionOptions {
  readonly store: ByteStore
  readonly events: Events
  readonly artifacts: Artifacts
}

export class Completion {
  readonly #options: CompletionOptions
  /** Sizes and digests that were found right: `finish` may be sent more than once. */
  readonly #verified = new Map<string, string>()

  constructor(options: CompletionOptions) {
    this.#options = options
  }

  async check(job: JobFacts, attempt: number, finish: FinishRequest): Promise<Completeness> {
    const { store, events, artifacts } = this.#options
    const keyOf = (stream: StreamName) => ({ jobId: job.id, attempt, stream })
    const sizes = await store.sizes(job.id, attempt)
    if (sizes.log < finish.log.size || sizes.events < finish.events.size) {
      return { ok: false, status: 416, ...sizes }
    }
    const differs: StreamName[] = []
    for (const stream of streamNames) {
      const { size, sha256 } = finish[stream]
      if (sizes[stream] === size && (await this.#matches(keyOf(stream), size, sha256))) continue
      await store.reset(keyOf(stream))
      this.#verified.delete(nameOf(keyOf(stream)))
      differs.push(stream)
    }
    if (differs.length > 0) return { ok: false, status: 412, differs }
    const missing = await artifacts.missing(job, finish.artifacts)
    if (missing.length > 0) return { ok: false, status: 424, missing }
    if (sizes.events > 0) await events.apply(job.id, attempt, true)
    // The sender deletes its own copy now.
    const written = streamNames.filter((stream) => sizes[stream] > 0)
    await Promise.all(written.map((stream) => store.sync(keyOf(stream))))
    return { ok: true }
  }

  forget(jobId: string, attempt: number): void {
    for (const stream of streamNames) this.#verified.delete(nameOf({ jobId, attempt, stream }))
  }

  async #matches(key: StreamKey, size: number, sha256: string): Promise<boolean> {
    const name = nameOf(key)
    if (size === 0) return sha256 === emptySha256
    if (this.#verified.get(name) === `${size} ${sha256}`) return true
    if ((await this.#digest(key, size)) !== sha256) return false
    this.#verified.set(name, `${size} ${sha256}`)
    return true
  }

  async #digest(key: StreamKey, size: number): Promise<string> {
    const { store } = this.#options
    const known = await store.digest(key)
    if (known !== null) return known
    const hasher = new Bun.CryptoHasher('sha256')
    for await (const piece of store.read(key, 0, size)) hasher.update(piece)
    return hasher.digest('hex')
  }
}

const emptySha256 = new Bun.CryptoHasher('sha256').digest('hex')

const nameOf = ({ jobId, attempt, stream }: StreamKey): string => `${jobId}/${attempt}/${stream}`
