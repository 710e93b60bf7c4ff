/** Whether a run is alive: when it was last heard, and what its status is in the light of that. */
import { type Clock, type Database, type Logger, sql, type Timer } from '../../src/sdk.ts'

export const runStatuses = ['running', 'completed', 'failed', 'killed', 'crashed'] as const

export type RunStatus = (typeof runStatuses)[number]

export const isRunStatus = (text: string): text is RunStatus =>
  (runStatuses as readonly string[]).includes(text)

/** How long a row may lag behind what this server heard. */
const flushMs = 5_000

export interface StateOptions {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  /** A running run that is silent for longer has crashed, until it speaks again. */
  readonly crashAfterMs: number
}

/**
 * Nothing ever *makes* a run crashed: the status is derived wherever it is read, so no timer has to
 * be on time and a run that speaks again is running again.
 */
export class RunState {
  readonly crashAfterMs: number
  readonly #options: StateOptions
  readonly #flushMs: number
  /** Milliseconds when each run was last heard by this server; kept while it can matter. */
  readonly #heard = new Map<number, number>()
  readonly #unflushed = new Set<number>()
  #timer: Timer | undefined
  #flushing: Promise<void> = Promise.resolve()

  constructor(options: StateOptions) {
    this.crashAfterMs = options.crashAfterMs
    this.#options = options
    this.#flushMs = Math.min(flushMs, options.crashAfterMs / 4)
  }

  /** The run spoke. Costs no query: rows follow every few seconds. */
  touch(runId: number): void {
    this.#heard.set(runId, this.#options.clock.now())
    this.#unflushed.add(runId)
    this.#timer ??= this.#options.clock.after(this.#flushMs, () => {
      this.#timer = undefined
      this.flush().catch((error: unknown) =>
        this.#options.log.warn('could not store when runs were last heard', { error }),
      )
    })
  }

  /** Microseconds when the run was last heard by any server, as far as this one knows. */
  lastHeard(runId: number, storedMicros: number): number {
    return Math.max(storedMicros, (this.#heard.get(runId) ?? 0) * 1000)
  }

  /** The status that readers see. */
  statusOf(runId: number, stored: RunStatus, storedMicros: number): RunStatus {
    if (stored !== 'running') return stored
    return this.lastHeard(runId, storedMicros) < this.silentSince() ? 'crashed' : 'running'
  }

  /** Running runs last heard before this time, in microseconds, have crashed. */
  silentSince(): number {
    return (this.#options.clock.now() - this.crashAfterMs) * 1000
  }

  /** Brings the rows up to date; statements that derive the status in SQL need it first. */
  flush(): Promise<void> {
    const next = this.#flushing.catch(() => undefined).then(() => this.#write())
    this.#flushing = next
    return next
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    await this.flush()
  }

  async #write(): Promise<void> {
    if (this.#unflushed.size === 0) return
    const runIds = [...this.#unflushed].sort((a, b) => a - b)
    this.#unflushed.clear()
    const write = this.#options.db.transaction(async (tx) => {
      for (const runId of runIds) {
        const heard = (this.#heard.get(runId) ?? 0) * 1000
        await tx.run(sql`update tracking_run set last_heard_at = ${heard}
          where id = ${runId} and last_heard_at < ${heard}`)
      }
    })
    await write.catch((error: unknown) => {
      for (const runId of runIds) this.#unflushed.add(runId)
      throw error
    })
    this.#dropSilent()
  }

  /** What is flushed and old is in the row. */
  #dropSilent(): void {
    const before = this.#options.clock.now() - 4 * this.#flushMs
    for (const [runId, heard] of this.#heard) {
      if (heard < before && !this.#unflushed.has(runId)) this.#heard.delete(runId)
    }
  }
}
