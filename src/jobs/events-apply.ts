/** Applies the events of attempts exactly once: progress, metrics, checkpoints. */
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import type { Database } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import type { ByteStore, StreamKey } from './attempt-log.ts'
import { Ends, mayPass, sinkJobOf } from './events-ends.ts'
import { type EventLine, parseEvents } from './events-parse.ts'
import { type Batch, metricsOf, writeBatch } from './events-rows.ts'
import { Pace } from './events-progress.ts'
import { isTerminal } from './job.ts'
import type { MetricSink } from './sink.ts'
import type { JobFacts } from './streams.ts'

/** Bytes looked at in one go; a longer line is skipped. */
export const maxLineBytes = 1024 * 1024
const maxLinesPerBatch = 5_000

/** What follows within this time is applied as one. */
const gatherMs = 200
const retryMs = 2_000

export interface EventsOptions {
  readonly db: Database
  readonly store: ByteStore
  readonly clock: Clock
  readonly log: Logger
  readonly find: (jobId: string) => Promise<JobFacts | null>
  /** Called after what followers see has changed. */
  readonly changed: (jobId: string) => void
}

interface Worker {
  running: Promise<void>
  again: boolean
  /** Ends its pause. */
  wake: () => void
}

interface Cursor {
  readonly applied: number
  readonly applying: number | null
  readonly broken_at: number | null
  readonly done: boolean | number
}

export class Events {
  readonly sinks: MetricSink[] = []
  readonly #options: EventsOptions
  readonly #workers = new Map<string, Worker>()
  /** One at a time for each attempt: two would hand the same batch to the sinks. */
  readonly #turns = new Map<string, Promise<void>>()
  readonly #ends: Ends
  readonly #paces = new Map<string, Pace>()
  #stopping = false

  constructor(options: EventsOptions) {
    this.#options = options
    this.#ends = new Ends(options, this.sinks)
  }

  /** There are new bytes: applies them soon. */
  poke(jobId: string, attempt: number): void {
    const name = `${jobId}/${attempt}`
    const worker = this.#workers.get(name)
    if (worker) worker.again = true
    else if (!this.#stopping) {
      const fresh: Worker = { running: Promise.resolve(), again: false, wake: () => undefined }
      this.#workers.set(name, fresh)
      fresh.running = this.#work(jobId, attempt, fresh).finally(() => this.#workers.delete(name))
    }
  }

  async #work(jobId: string, attempt: number, worker: Worker): Promise<void> {
    const { clock, log } = this.#options
    do {
      worker.again = false
      let pauseMs = gatherMs
      await this.apply(jobId, attempt).catch((error: unknown) => {
        log.warn('Applying the events of a job failed; it is tried again', { jobId, error })
        worker.again = true
        pauseMs = retryMs
      })
      await new Promise<void>((resolve) => {
        worker.wake = resolve
        clock.after(pauseMs, resolve)
      })
    } while (worker.again && !this.#stopping)
  }

  /**
   * Applies all whole lines; with `final` also a last one that has no end.
   * @throws what a sink or the database throws: to be tried again
   */
  async apply(jobId: string, attempt: number, final = false): Promise<void> {
    const name = `${jobId}/${attempt}`
    const work = async (): Promise<void> => {
      while (await this.#step(jobId, attempt, final));
    }
    const before = this.#turns.get(name) ?? Promise.resolve()
    const turn = before.then(work)
    const done = turn.catch(() => undefined)
    this.#turns.set(name, done)
    await turn.finally(() => {
      if (this.#turns.get(name) === done) this.#turns.delete(name)
    })
  }

  /** One batch; false when there was none. */
  async #step(jobId: string, attempt: number, final: boolean): Promise<boolean> {
    const key = { jobId, attempt, stream: 'events' } as const
    const cursor = await this.#cursor(jobId, attempt)
    if (cursor.done) return false
    const until = cursor.applying ?? (await this.#options.store.size(key))
    if (until <= cursor.applied) return false
    const part = await this.#read(key, cursor.applied, until, final || cursor.applying !== null)
    if (part.end <= cursor.applied) return false
    const batch = { jobId, attempt, start: cursor.applied, ...part }
    const points = batch.lines.some(({ event }) => event?.type === 'metric')
    let runId: string | null = null
    if (points && this.sinks.length > 0) {
      if (cursor.applying === null && !(await this.#claim(batch))) return true
      runId = await this.#sink(batch)
    }
    await this.#commit(batch, runId)
    this.#reportBroken(batch, cursor)
    return true
  }

  async #cursor(jobId: string, attempt: number): Promise<Cursor> {
    const { db } = this.#options
    const select = sql`select applied, applying, broken_at, done from jobs_events
      where job_id = ${jobId} and attempt = ${attempt}`
    const [row] = await db.rows<Cursor>(select)
    if (row) return row
    await db.run(sql`
      insert into jobs_events (job_id, attempt, applied, done)
      values (${jobId}, ${attempt}, 0, false)
      on conflict (job_id, attempt) do nothing`)
    return (await db.rows<Cursor>(select))[0]!
  }

  /** The next lines, and where they end. A line beyond all measure is one broken line. */
  async #read(key: StreamKey, start: number, until: number, final: boolean) {
    const pieces: Uint8Array[] = []
    const end = Math.min(until, start + maxLineBytes)
    for await (const piece of this.#options.store.read(key, start, end)) pieces.push(piece)
    const isLast = final && end === until
    const options = { base: start, maxLines: maxLinesPerBatch, final: isLast }
    const { lines, consumed } = parseEvents(Buffer.concat(pieces), options)
    if (consumed > 0 || end - start < maxLineBytes) return { lines, end: start + consumed }
    const next = await this.#lineAfter(key, end, until)
    const problem = `it is longer than ${maxLineBytes} bytes`
    const tooLong: EventLine = { offset: start, json: null, event: null, problem }
    if (next === null && !final) return { lines: [], end: start }
    return { lines: [tooLong], end: next ?? until }
  }

  async #lineAfter(key: StreamKey, start: number, until: number): Promise<number | null> {
    let at = start
    for await (const piece of this.#options.store.read(key, start, until)) {
      const found = piece.indexOf(10)
      if (found >= 0) return at + found + 1
      at += piece.length
    }
    return null
  }

  /** Fixes what the batch is before a sink sees it, so that a repetition is the same batch. */
  async #claim({ jobId, attempt, start, end }: Batch): Promise<boolean> {
    const changed = await this.#options.db.run(sql`
      update jobs_events set applying = ${end} where job_id = ${jobId} and attempt = ${attempt}
        and applied = ${start} and applying is null`)
    return changed > 0
  }

  async #sink(batch: Batch): Promise<string | null> {
    const { db, find, log } = this.#options
    const { jobId, attempt, start } = batch
    const job = await find(jobId)
    if (!job) return null
    const points = await metricsOf(db, batch)
    const input = {
      job: sinkJobOf(job),
      attempt,
      batchId: `job/${jobId}/${attempt}/${start}`,
      points,
    }
    let runId: string | null = null
    for (const sink of this.sinks) {
      try {
        runId = (await sink.append(input)) ?? runId
      } catch (error) {
        if (mayPass(error)) throw error
        log.warn('Metrics of a job were refused and are dropped', { jobId, error })
      }
    }
    return runId
  }

  async #commit(batch: Batch, runId: string | null): Promise<void> {
    const { db, clock, changed } = this.#options
    const isSeen = await db.transaction((tx) =>
      writeBatch(tx, batch, {
        runId,
        now: clock.now(),
        paceOf: (first) => this.#paceOf(batch, first),
      }),
    )
    if (isSeen) changed(batch.jobId)
  }

  #paceOf({ jobId, attempt }: Batch, first: { done: number; at: number } | undefined): Pace {
    const name = `${jobId}/${attempt}`
    const pace = this.#paces.get(name) ?? new Pace(first)
    this.#paces.set(name, pace)
    return pace
  }

  #reportBroken({ jobId, lines }: Batch, cursor: Cursor): void {
    const broken = lines.find(({ problem }) => problem !== null)
    if (!broken || cursor.broken_at !== null) return
    const { offset, problem } = broken
    this.#options.log.info('An event of a job cannot be read', { jobId, offset, problem })
  }

  /** Nothing comes any more: applies what is left, and keeps nothing of the attempt in memory. */
  async finish(jobId: string, attempt: number): Promise<void> {
    await this.apply(jobId, attempt, true)
    this.#paces.delete(`${jobId}/${attempt}`)
    await this.#options.db.run(sql`
      update jobs_events set done = true where job_id = ${jobId} and attempt = ${attempt}`)
  }

  /** Tells the sinks once that a job, of which they have metrics, is over; later if need be. */
  ended(job: JobFacts): Promise<void> {
    return this.#ends.tell(job)
  }

  /** Goes on where an earlier process ended. */
  async resume(): Promise<void> {
    const rows = await this.#options.db.rows<{ job_id: string; attempt: number }>(sql`
      select job_id, attempt from jobs_events where done = false`)
    for (const { job_id, attempt } of rows) this.poke(job_id, attempt)
    const untold = await this.#options.db.rows<{ job_id: string }>(sql`
      select job_id from jobs_progress where run_id is not null and is_told = false`)
    for (const { job_id } of untold) {
      const job = await this.#options.find(job_id)
      if (job && isTerminal(job.state)) await this.ended(job)
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#ends.stop()
    const workers = [...this.#workers.values()]
    for (const { wake } of workers) wake()
    await Promise.all(workers.map(({ running }) => running))
  }
}
