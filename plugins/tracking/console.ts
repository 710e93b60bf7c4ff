/** What a run printed: kept in the order in which it arrived, read on from any place. */
import { type Clock, type Database, HearthError, sql } from '../../src/sdk.ts'

export const consoleStreams = ['stdout', 'stderr'] as const

export type ConsoleStream = (typeof consoleStreams)[number]

export interface ConsoleLine {
  /** Counts from 1 within the run, without a gap: a reader goes on after the last it has. */
  readonly id: number
  readonly stream: ConsoleStream
  readonly text: string
  /** Microseconds since the epoch. */
  readonly writtenAt: number
}

export interface ConsoleInput {
  readonly stream: ConsoleStream
  readonly text: string
  /** Text with an id that this run already has is acknowledged and not kept again. */
  readonly batchId?: string
}

export class Console {
  readonly #db: Database
  readonly #clock: Clock

  constructor(db: Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  /** Answers the id of the text. */
  append(runId: number, { stream, text, batchId }: ConsoleInput): Promise<number> {
    return this.#db.transaction(async (tx) => {
      // One writer at a time for each run, so that ids are visible in their order.
      await tx.lock(`tracking-console-${runId}`)
      const [known] =
        batchId === undefined
          ? []
          : await tx.rows<{ id: number }>(sql`
              select id from tracking_console where run_id = ${runId} and batch_key = ${batchId}`)
      if (known) return known.id
      const [row] = await tx.rows<{ id: number }>(sql`
        insert into tracking_console (run_id, id, stream, text, written_at, batch_key)
        select tracking_run.id, coalesce((select max(id) from tracking_console
          where run_id = tracking_run.id), 0) + 1, ${stream}, ${text}, ${this.#clock.now() * 1000},
          ${batchId ?? null}
        from tracking_run where tracking_run.id = ${runId}
        returning id`)
      if (!row) throw new HearthError('not_found')
      return row.id
    })
  }

  /** Lines after `since`, in order. */
  async read(runId: number, since: number, limit: number): Promise<ConsoleLine[]> {
    const rows = await this.#db.rows<ConsoleRow>(sql`
      select id, stream, text, written_at from tracking_console
      where run_id = ${runId} and id > ${since} order by id limit ${limit}`)
    return rows.map((row) => ({
      id: row.id,
      stream: row.stream,
      text: row.text,
      writtenAt: row.written_at,
    }))
  }
}

interface ConsoleRow {
  readonly id: number
  readonly stream: ConsoleStream
  readonly text: string
  readonly written_at: number
}
