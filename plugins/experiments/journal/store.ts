/** The journal in the database: events are added in one transaction with the row they change. */
import {
  type Clock,
  type Database,
  type Logger,
  type Queries,
  sql,
  type Transaction,
} from '../../../src/sdk.ts'
import { experimentNotFound } from '../errors.ts'
import type { JournalEvent, StoredEvent } from './events.ts'
import { apply, emptyJournal, fold } from './fold.ts'
import type { Journal } from './journal.ts'
import { digestsIn, keepDigests } from './kept.ts'
import { summaryOf } from './summary.ts'

export interface JournalStoreOptions {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
}

export interface Appended {
  readonly stored: readonly StoredEvent[]
  /** The journal after each of them. */
  readonly journals: readonly Journal[]
  readonly journal: Journal
}

/** Decides what is to be added, seeing the journal as it is in the transaction. */
export type Decide = (journal: Journal) => readonly JournalEvent[]

export type AppendListener = (experimentId: string, appended: Appended) => void

interface EventRow {
  readonly seq: number
  readonly at: number
  readonly data: string
}

/** Journals that were used lately, so that an append reads no event twice. */
const maxCached = 200

export class JournalStore {
  readonly #options: JournalStoreOptions
  readonly #listeners: AppendListener[] = []
  readonly #cache = new Map<string, Journal>()

  constructor(options: JournalStoreOptions) {
    this.#options = options
  }

  onAppended(listener: AppendListener): void {
    this.#listeners.push(listener)
  }

  /** @throws HearthError `not_found` */
  async load(experimentId: string): Promise<Journal> {
    const journal = await this.#load(this.#options.db, experimentId)
    this.#remember(experimentId, journal)
    return journal
  }

  /** Events after `since`, in order. */
  async read(experimentId: string, since = 0): Promise<StoredEvent[]> {
    return readEvents(this.#options.db, experimentId, since)
  }

  /**
   * Adds what `decide` says. What it or `guard` throws is thrown on, and nothing is added.
   * @throws HearthError `not_found`
   */
  async append(
    experimentId: string,
    decide: Decide,
    guard?: (tx: Transaction) => Promise<void>,
  ): Promise<Appended> {
    const { db, clock } = this.#options
    const appended = await db.transaction(async (tx) => {
      await tx.lock(`experiments ${experimentId}`)
      await guard?.(tx)
      const before = await this.#load(tx, experimentId)
      const at = clock.now()
      const stored = decide(before).map((event, i) => ({ seq: before.version + i + 1, at, event }))
      const journals: Journal[] = []
      for (const one of stored) journals.push(apply(journals.at(-1) ?? before, one))
      const journal = journals.at(-1) ?? before
      if (stored.length > 0) await write(tx, experimentId, stored, journal)
      return { stored, journals, journal }
    })
    this.#remember(experimentId, appended.journal)
    if (appended.stored.length > 0) this.#tell(experimentId, appended)
    return appended
  }

  forget(experimentId: string): void {
    this.#cache.delete(experimentId)
  }

  /** What was added stays added, whatever becomes of those who are told. */
  #tell(experimentId: string, appended: Appended): void {
    for (const listener of this.#listeners) {
      try {
        listener(experimentId, appended)
      } catch (error) {
        this.#options.log.error('A listener failed', { experiment: experimentId, error })
      }
    }
  }

  /** What this process knows, and what others have added since. */
  async #load(q: Queries, experimentId: string): Promise<Journal> {
    const known = this.#cache.get(experimentId)
    const [row] = await q.rows<{ version: number; first_steps: number }>(sql`
      select version, first_steps from experiments_experiment where id = ${experimentId}`)
    if (!row) throw experimentNotFound()
    const base = known && known.version <= row.version ? known : emptyJournal(row.first_steps)
    if (base.version === row.version) return base
    return fold(base, await readEvents(q, experimentId, base.version))
  }

  #remember(experimentId: string, journal: Journal): void {
    const known = this.#cache.get(experimentId)
    const isOlder = known !== undefined && known.version > journal.version
    this.#cache.delete(experimentId)
    this.#cache.set(experimentId, isOlder ? known : journal)
    if (this.#cache.size > maxCached) {
      this.#cache.delete(this.#cache.keys().next().value as string)
    }
  }
}

const readEvents = async (
  q: Queries,
  experimentId: string,
  since: number,
): Promise<StoredEvent[]> => {
  const rows = await q.rows<EventRow>(sql`
    select seq, at, data from experiments_event
    where experiment_id = ${experimentId} and seq > ${since} order by seq`)
  return rows.map(({ seq, at, data }) => ({ seq, at, event: JSON.parse(data) as JournalEvent }))
}

const write = async (
  tx: Transaction,
  experimentId: string,
  stored: readonly StoredEvent[],
  journal: Journal,
): Promise<void> => {
  const rows = stored.map(
    ({ seq, at, event }) => sql`(${experimentId}, ${seq}, ${at}, ${JSON.stringify(event)})`,
  )
  await tx.run(sql`
    insert into experiments_event (experiment_id, seq, at, data)
    values ${sql.join(rows, sql`, `)}`)
  await keepDigests(tx, experimentId, digestsIn(stored))
  const { status, error, finishedSteps, best } = summaryOf(journal, stored)
  const set = [
    sql`version = ${journal.version}, steps = ${journal.totalSteps}`,
    sql`finished_steps = ${finishedSteps}, updated_at = ${stored.at(-1)?.at ?? 0}`,
    sql`best_node = ${best?.id ?? null}, best_metric = ${best?.verdict?.metric ?? null}`,
    sql`maximize = ${journal.maximize === null ? null : Number(journal.maximize)}`,
    sql`started_at = ${journal.startedAt}, ended_at = ${journal.endedAt}`,
    ...(status === null ? [] : [sql`status = ${status}, error = ${error}`]),
  ]
  await tx.run(sql`
    update experiments_experiment set ${sql.join(set, sql`, `)} where id = ${experimentId}`)
}
