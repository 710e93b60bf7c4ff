/** Episodes that were played and are kept: listed, looked at, counted, handed to learners. */
import {
  type Clock,
  type Database,
  HearthError,
  type Queries,
  sql,
  type Who,
} from '../../../src/sdk.ts'
import type { Split } from '../environment.ts'
import type { ChatMessage, Trajectory } from '../gateway/trajectory.ts'
import { type Summary, summaryOf } from './recording-summary.ts'

/** Through the gateway, by a request for one episode, or by a harness that evaluates. */
export const sources = ['gateway', 'play', 'harness'] as const
export type Source = (typeof sources)[number]

/** Of each owner and scenario; the oldest go first. */
const keptEpisodes = 10_000
/** What was said is left out where it is longer. */
const maxMessagesLength = 256 * 1024
/** Between two looks at how many there are. */
const trimEvery = 100

interface Row {
  readonly n: number
  readonly scenario: string
  readonly version: number
  readonly split: Split
  readonly episode: number
  readonly task: string
  readonly player: string
  readonly source: Source
  readonly success: number
  readonly reward: number
  readonly score: number
  /** A trajectory without what was said. */
  readonly data: string
  readonly messages: string | null
  readonly created_at: number
}

export interface Recording extends Trajectory {
  readonly n: number
  readonly source: Source
  readonly created_at: string
}

export interface RecordingFilter {
  readonly player?: string | undefined
  readonly split?: Split | undefined
  readonly source?: Source | undefined
  readonly task?: string | undefined
  readonly success?: boolean | undefined
}

export interface Page {
  readonly skip: number
  readonly limit: number
}

type Condition = ReturnType<typeof sql>

export class Recordings {
  readonly #db: Database
  readonly #clock: Clock
  readonly #kept: number

  constructor(db: Database, clock: Clock, kept = keptEpisodes) {
    this.#db = db
    this.#clock = clock
    this.#kept = kept
  }

  /** Answers its number. Within a transaction of the caller's, if it hands one in. */
  async add(owner: number, source: Source, one: Trajectory, q?: Queries): Promise<number> {
    if (!q) return this.#db.transaction((tx) => this.add(owner, source, one, tx))
    const { messages, ...rest } = one
    const { scenario, split, episode, task, player, verdict, reward, rubric } = rest
    const said = JSON.stringify(messages ?? null)
    const now = this.#clock.now()
    const [made] = await q.rows<{ n: number }>(sql`insert into scenarios_episode
      (owner_id, scenario, version, split, episode, task, player, source, success, reward,
       score, components, data, messages, created_at)
      values (${owner}, ${scenario.id}, ${scenario.version}, ${split}, ${episode}, ${task},
       ${player}, ${source}, ${verdict.success ? 1 : 0}, ${reward}, ${rubric.score},
       ${JSON.stringify(rubric.components)}, ${JSON.stringify(rest)},
       ${messages && said.length <= maxMessagesLength ? said : null}, ${now})
      returning n`)
    const n = made?.n ?? 0
    if (n % trimEvery === 0) {
      const mine = sql`owner_id = ${owner} and scenario = ${scenario.id}`
      await q.run(sql`delete from scenarios_episode where ${mine} and n <= (
        select n from scenarios_episode where ${mine} order by n desc
        limit 1 offset ${this.#kept})`)
    }
    return n
  }

  /** All of them, unless the player has some of that source already. Answers how many. */
  async addOnce(
    { id }: Who,
    source: Source,
    player: string,
    make: () => readonly Trajectory[],
  ): Promise<number> {
    return this.#db.transaction(async (tx) => {
      await tx.lock(`scenarios/episodes/${id}/${player}`)
      const [known] = await tx.rows(sql`select n from scenarios_episode
        where owner_id = ${id} and source = ${source} and player = ${player} limit 1`)
      if (known) return 0
      const all = make()
      for (const one of all) await this.add(id, source, one, tx)
      return all.length
    })
  }

  /** The newest first, each in short. */
  async list(who: Who, scenario: string, filter: RecordingFilter, { skip, limit }: Page) {
    const where = conditionOf(who, scenario, filter)
    const [counted] = await this.#db.rows<{ total: number }>(sql`
      select count(*) as total from scenarios_episode where ${where}`)
    const rows = await this.#db.rows<Omit<Row, 'data' | 'messages'>>(sql`
      select n, scenario, version, split, episode, task, player, source, success, reward, score,
        created_at
      from scenarios_episode where ${where} order by n desc limit ${limit} offset ${skip}`)
    return { episodes: rows.map(shortOf), total: Number(counted?.total ?? 0) }
  }

  /** Those of these numbers that there are, without what was said, in their order. */
  async some(who: Who, scenario: string, numbers: readonly number[]): Promise<Recording[]> {
    if (numbers.length === 0) return []
    const where = conditionOf(who, scenario, {})
    const rows = await this.#db.rows<Row>(sql`
      select n, source, data, null as messages, created_at from scenarios_episode
      where ${where} and n in ${numbers} order by n`)
    return rows.map(recordingOf)
  }

  /** How well it went: all, each task, parts of the score, and how surely (by seed). */
  summary(who: Who, scenario: string, filter: RecordingFilter): Promise<Summary> {
    return summaryOf(this.#db, conditionOf(who, scenario, filter))
  }

  /** Those of the train split that succeeded in this version, one of each seed, newest first. */
  async successes(who: Who, { id, version }: { id: string; version: number }, most: number) {
    const rows = await this.#db.rows<{ data: string }>(sql`
      select data from scenarios_episode where n in (
        select max(n) from scenarios_episode
        where owner_id = ${who.id} and scenario = ${id} and version = ${version}
          and split = 'train' and success = 1
        group by episode) order by n desc limit ${most}`)
    return rows.map(({ data }) => JSON.parse(data) as Trajectory)
  }

  /** @throws HearthError `not_found` */
  async get(who: Who, scenario: string, n: number): Promise<Recording> {
    const where = conditionOf(who, scenario, {})
    const [row] = await this.#db.rows<Row>(sql`
      select * from scenarios_episode where ${where} and n = ${n}`)
    if (!row) throw new HearthError('not_found', 'Episode not found')
    return recordingOf(row)
  }
}

/** Others' episodes are not there for whoever asks, administrators excepted. */
const conditionOf = (who: Who, scenario: string, filter: RecordingFilter): Condition => {
  const { player, split, source, task, success } = filter
  const all = [
    sql`scenario = ${scenario}`,
    ...(who.isSuperuser ? [] : [sql`owner_id = ${who.id}`]),
    ...(player === undefined ? [] : [sql`player = ${player}`]),
    ...(split === undefined ? [] : [sql`split = ${split}`]),
    ...(source === undefined ? [] : [sql`source = ${source}`]),
    ...(task === undefined ? [] : [sql`task = ${task}`]),
    ...(success === undefined ? [] : [sql`success = ${success ? 1 : 0}`]),
  ]
  return sql.join(all, sql` and `)
}

const shortOf = (row: Omit<Row, 'data' | 'messages'>) => {
  const { scenario, version, success, created_at, ...rest } = row
  return {
    ...rest,
    scenario: { id: scenario, version },
    success: success === 1,
    created_at: new Date(created_at).toISOString(),
  }
}

const recordingOf = ({ n, source, data, messages, created_at }: Row): Recording => ({
  n,
  source,
  created_at: new Date(created_at).toISOString(),
  ...(JSON.parse(data) as Trajectory),
  ...(messages !== null && { messages: JSON.parse(messages) as readonly ChatMessage[] }),
})
