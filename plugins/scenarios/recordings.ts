/** Episodes that were played and are kept: listed, looked at, counted, handed to learners. */
import {
  type Clock,
  type Database,
  HearthError,
  type Queries,
  sql,
  type Who,
} from '../../src/sdk.ts'
import type { Split } from './environment.ts'
import type { Trajectory } from './gateway/trajectory.ts'
import { wilson } from './learning/evaluate.ts'
import { passHat } from './pass-hat.ts'
import { meansOf } from './rubric.ts'
import { percent } from './training/evaluation.ts'

/** Through the gateway, by a request for one episode, or by a harness that evaluates. */
export const sources = ['gateway', 'play', 'harness'] as const
export type Source = (typeof sources)[number]

/** Of each owner and scenario; the oldest go first. */
const keptEpisodes = 20_000
/** Between two looks at how many there are. */
const trimEvery = 100

interface Row {
  readonly n: number
  readonly owner_id: number
  readonly source: Source
  readonly data: string
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

  constructor(db: Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  /** Answers its number. Within a transaction of the caller's, if it hands one in. */
  async add(owner: number, source: Source, one: Trajectory, q?: Queries): Promise<number> {
    if (!q) return this.#db.transaction((tx) => this.add(owner, source, one, tx))
    const { scenario, split, episode, task, player, verdict, reward, rubric } = one
    const [made] = await q.rows<{ n: number }>(sql`insert into scenarios_episode
      (owner_id, scenario, version, split, episode, task, player, source, success, reward,
       score, components, data, created_at)
      values (${owner}, ${scenario.id}, ${scenario.version}, ${split}, ${episode}, ${task},
       ${player}, ${source}, ${verdict.success ? 1 : 0}, ${reward},
       ${rubric.score}, ${JSON.stringify(rubric.components)}, ${JSON.stringify(one)},
       ${this.#clock.now()}) returning n`)
    const n = made?.n ?? 0
    if (n % trimEvery === 0) {
      const mine = sql`owner_id = ${owner} and scenario = ${scenario.id}`
      await q.run(sql`delete from scenarios_episode where ${mine} and n <= (
        select n from scenarios_episode where ${mine} order by n desc
        limit 1 offset ${keptEpisodes})`)
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

  /** The newest first. */
  async list(who: Who, scenario: string, filter: RecordingFilter, { skip, limit }: Page) {
    const where = conditionOf(who, scenario, filter)
    const [counted] = await this.#db.rows<{ total: number }>(sql`
      select count(*) as total from scenarios_episode where ${where}`)
    const rows = await this.#db.rows<Row>(sql`select * from scenarios_episode
      where ${where} order by n desc limit ${limit} offset ${skip}`)
    return { episodes: rows.map(recordingOf), total: Number(counted?.total ?? 0) }
  }

  /** How well it went: all, each task, parts of the score, and how surely (by seed). */
  async summary(who: Who, scenario: string, filter: RecordingFilter) {
    const where = conditionOf(who, scenario, filter)
    const rows = await this.#db.rows<Group>(sql`
      select split, episode, task, count(*) as plays, sum(success) as successes,
        sum(reward) as reward, sum(score) as score
      from scenarios_episode where ${where} group by split, episode, task`)
    const groups = rows.map((one) => ({
      ...one,
      plays: Number(one.plays),
      successes: Number(one.successes),
    }))
    const sum = (of: (group: Group) => number, among = groups) =>
      among.reduce((total, group) => total + of(group), 0)
    const episodes = sum(({ plays }) => plays)
    const successes = sum(({ successes }) => successes)
    const tasks = Map.groupBy(groups, ({ task }) => task)
    return {
      episodes,
      successes,
      accuracy: percent(successes, episodes),
      ci95: wilson(successes, episodes).map((share) => 100 * share),
      mean_reward: episodes === 0 ? 0 : sum(({ reward }) => reward) / episodes,
      mean_score: episodes === 0 ? 0 : sum(({ score }) => score) / episodes,
      rubric: await this.#rubricMeans(where),
      tasks: Object.fromEntries(
        [...tasks].map(([name, among]) => {
          const played = sum(({ plays }) => plays, among)
          const won = sum(({ successes }) => successes, among)
          return [name, { episodes: played, successes: won, accuracy: percent(won, played) }]
        }),
      ),
      seeds: groups.length,
      pass_hat: passHat(groups),
    }
  }

  async #rubricMeans(where: Condition): Promise<Record<string, number>> {
    const rows = await this.#db.rows<{ components: string }>(sql`
      select components from scenarios_episode where ${where}`)
    return meansOf(rows.map(({ components }) => JSON.parse(components) as Record<string, number>))
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

interface Group {
  readonly split: string
  readonly episode: number
  readonly task: string
  readonly plays: number
  readonly successes: number
  readonly reward: number
  readonly score: number
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

const recordingOf = ({ n, source, data, created_at }: Row): Recording => ({
  n,
  source,
  created_at: new Date(created_at).toISOString(),
  ...(JSON.parse(data) as Trajectory),
})
