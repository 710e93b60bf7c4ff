/** Decides when a run's open batches become chunks: when they are many, or when it goes quiet. */
import { type Clock, type Database, type Logger, sql, type Timer } from '../../../src/sdk.ts'
import type { WrittenRun } from './group.ts'
import { type Runs, StaleError } from './runs.ts'
import { sealRun } from './seal.ts'
import type { RunState } from './state.ts'

/** Open points at which a run is sealed, and how many of each series make that worth while. */
const MIN_POINTS = 32_768
const POINTS_PER_SERIES = 256
const MAX_POINTS = 262_144
/** Open points, in multiples of the above, at which appends wait for the sealing. */
const PATIENCE = 2

/** A run without new points for one to two of these periods is sealed, whoever wrote to it. */
const QUIET_MS = 15_000
/** Old batch ids are forgotten after this long: a client that retries later stores again. */
const KEEP_KEYS_MS = 30 * 24 * 60 * 60 * 1000

/** Thousands of runs may go quiet at once: the others get this many times what each takes. */
const RESTS = 1
const MAX_REST_MS = 100

/** Of the machine's time, not the clock's: this yields the processor and the disk. */
const rest = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.min(ms, MAX_REST_MS)))

const threshold = (state: RunState): number =>
  Math.min(MAX_POINTS, Math.max(MIN_POINTS, state.series.size * POINTS_PER_SERIES))

export interface SealerOptions {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  readonly runs: Runs
}

export class Sealer {
  readonly #options: SealerOptions
  readonly #running = new Map<number, Promise<void>>()
  #last: Promise<void> = Promise.resolve()
  #timers: Timer[] = []
  #newest = new Map<number, number>()
  #sweeping: Promise<void> | null = null
  #stopped = false

  constructor(options: SealerOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { clock } = this.#options
    this.#newest = await this.#newestBatches()
    this.#timers = [clock.every(QUIET_MS, () => void this.sweep())]
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
  }

  async idle(): Promise<void> {
    await this.#sweeping
    await Promise.all(this.#running.values())
  }

  /** Seals what has become much; the promise, if any, resolves when the store has caught up. */
  afterCommit(written: readonly WrittenRun[]): Promise<void> | undefined {
    let behind: Promise<void> | undefined
    for (const { runId } of written) {
      const state = this.#options.runs.peek(runId)
      if (!state || state.unsealed < threshold(state)) continue
      const sealing = this.seal(runId)
      if (state.unsealed >= PATIENCE * threshold(state)) behind = sealing
    }
    return behind
  }

  /** Seals all that is open now. Never rejects: what stays open is as safe, and tried again. */
  seal(runId: number): Promise<void> {
    const running = this.#running.get(runId)
    if (running) return running
    // One run at a time: each holds its open points several times over while it is sealed.
    const sealing = this.#last.then(() => this.#seal(runId))
    this.#last = sealing
    this.#running.set(runId, sealing)
    return sealing.finally(() => this.#running.delete(runId))
  }

  async #seal(runId: number): Promise<void> {
    const { db, runs, log } = this.#options
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        const state = await runs.refresh(db, runId)
        state.unsealed = 0
        if ((await sealRun(db, state)) === 0 || this.#stopped) return
        if (state.openPoints < threshold(state) / 2) return
      } catch (error) {
        if (error instanceof StaleError) continue
        log.warn('sealing points failed; they stay open', { runId, error })
        return
      }
    }
  }

  /** Seals the runs that got no point since the last sweep, and forgets old batch ids. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .catch((error: unknown) => this.#options.log.warn('sealing quiet runs failed', { error }))
      .finally(() => {
        this.#sweeping = null
      })
    return this.#sweeping
  }

  async #sweep(): Promise<void> {
    const { db, clock } = this.#options
    const newest = await this.#newestBatches()
    const before = this.#newest
    this.#newest = newest
    for (const [runId, firstId] of newest) {
      if (this.#stopped) return
      if (before.get(runId) !== firstId) continue
      const began = performance.now()
      await this.seal(runId)
      await rest((performance.now() - began) * RESTS)
    }
    await db.run(sql`delete from tracking_batch_key where at < ${clock.now() - KEEP_KEYS_MS}`)
  }

  async #newestBatches(): Promise<Map<number, number>> {
    const rows = await this.#options.db.rows<{ runId: number; newest: number }>(sql`
      select run_id as "runId", max(first_id) as newest from tracking_batch group by run_id`)
    return new Map(rows.map(({ runId, newest }) => [runId, newest]))
  }
}
