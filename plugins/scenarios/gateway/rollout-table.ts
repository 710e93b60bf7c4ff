/** The server's gateway: rollouts in a table, so that they go on after a restart, on any server. */
import {
  type Clock,
  type Database,
  HearthError,
  type Queries,
  sql,
  type Transaction,
  type Who,
} from '../../../src/sdk.ts'
import type { Catalogue } from '../catalogue.ts'
import type { Scenario } from '../environment.ts'
import type { Recordings } from '../episodes/recordings.ts'
import type { ChatModel } from './chat-model.ts'
import { messagesIn, type RolloutEvent } from './events.ts'
import { type Gateway, type RolloutWish, unknownRollout } from './gateway.ts'
import { Rollout, type RolloutOrder, type RolloutState } from './rollout.ts'

export interface RolloutTableOptions {
  readonly db: Database
  readonly clock: Clock
  readonly catalogue: Catalogue
  readonly recordings: Recordings
  /** @throws HearthError where nobody of that name can play the scenario */
  modelOf(who: Who, scenario: Scenario, name: string): Promise<ChatModel>
}

/** Of one owner at once. */
export const maxRunning = 200
/** Of each owner; what was played is kept elsewhere for longer. */
const keptRollouts = 1_000
/** After so long without a call, the agent is taken for dead. */
export const idleMs = 10 * 60_000
const expiredAtOnce = 100

interface Row {
  readonly n: number
  readonly id: string
  readonly owner_id: number
  readonly scenario: string
  readonly status: string
  readonly state: string
  readonly touched_at: number
}

export class RolloutTable {
  readonly #options: RolloutTableOptions

  constructor(options: RolloutTableOptions) {
    this.#options = options
  }

  /** The gateway as one user has it: others' rollouts are not there. */
  of(who: Who): Gateway {
    const { db } = this.#options
    return {
      begin: (wish) => this.#begin(who, wish),
      look: async (id) => this.#restore(await found(db, who.id, id)),
      events: async (id) => eventsOf(db, (await found(db, who.id, id)).n),
      change: (id, work) => this.#change(who.id, id, work),
      modelOf: (rollout, name) => this.#options.modelOf(who, rollout.scenario, name),
    }
  }

  /** The newest first. */
  async list(who: Who, { skip, limit }: { readonly skip: number; readonly limit: number }) {
    const rows = await this.#options.db.rows<Row>(sql`select * from scenarios_rollout
      where owner_id = ${who.id} order by n desc limit ${limit} offset ${skip}`)
    return rows.map(({ id, status, state }) => {
      const { order, scenario, player, steps, reason } = JSON.parse(state) as RolloutState
      const { split, episode } = order
      return {
        rollout_id: id,
        scenario,
        split,
        episode,
        status,
        reason,
        player,
        steps: steps.length,
      }
    })
  }

  /** Fails those that nobody has called for long. Answers how many there were. */
  async expire(): Promise<number> {
    const { db, clock } = this.#options
    const rows = await db.rows<Row>(sql`select * from scenarios_rollout
      where status = 'running' and touched_at < ${clock.now() - idleMs} limit ${expiredAtOnce}`)
    for (const { n, owner_id, id, scenario } of rows) {
      if (this.#options.catalogue.find(scenario)) {
        await this.#change(owner_id, id, () => undefined).catch(async (error: unknown) => {
          if (!(error instanceof HearthError)) throw error
          await dropped(db, n)
        })
      } else await dropped(db, n)
    }
    return rows.length
  }

  async #begin(who: Who, wish: RolloutWish): Promise<Rollout> {
    const { db, clock, catalogue, modelOf } = this.#options
    const { spec } = await catalogue.get(who, wish.scenario_id)
    const scenario = catalogue.find(spec.id)
    if (!scenario) {
      throw new HearthError('conflict', `Episodes of ${spec.id} are played by jobs only`)
    }
    const order: RolloutOrder = {
      id: wish.rollout_id ?? `rollout_${crypto.randomUUID().replaceAll('-', '')}`,
      split: wish.split,
      episode: wish.episode,
      model: wish.model ?? null,
      sampleSeed: wish.sample_seed ?? null,
    }
    if (order.model !== null) await modelOf(who, scenario, order.model)
    return db.transaction(async (tx) => {
      await tx.lock(`scenarios/rollouts/${who.id}`)
      const [known] = await rowsOf(tx, sql`owner_id = ${who.id} and id = ${order.id}`)
      if (known) return this.#again(known, scenario, order)
      await makeRoom(tx, who.id)
      const rollout = Rollout.begin(scenario, order)
      const now = clock.now()
      await tx.run(sql`insert into scenarios_rollout
        (id, owner_id, scenario, status, state, created_at, touched_at)
        values (${order.id}, ${who.id}, ${spec.id}, 'running', ${JSON.stringify(rollout.state)},
         ${now}, ${now})`)
      return rollout
    })
  }

  #again(row: Row, scenario: Scenario, order: RolloutOrder): Rollout {
    const { order: earlier } = JSON.parse(row.state) as RolloutState
    if (row.scenario === scenario.spec.id && Bun.deepEquals(earlier, order)) {
      return this.#restore(row)
    }
    throw new HearthError('conflict', `There is a rollout ${order.id} with other settings`)
  }

  #restore({ scenario: id, state }: Row): Rollout {
    const scenario = this.#options.catalogue.find(id)
    if (!scenario) throw new HearthError('gone', `The scenario ${id} is no longer here`)
    return Rollout.restore(scenario, JSON.parse(state) as RolloutState)
  }

  async #change<T>(ownerId: number, id: string, work: (rollout: Rollout) => T): Promise<T> {
    const { db, clock, recordings } = this.#options
    return db.transaction(async (tx) => {
      await tx.lock(`scenarios/rollout/${ownerId}/${id}`)
      const row = await found(tx, ownerId, id)
      const rollout = this.#restore(row)
      const wasOver = rollout.isOver
      const now = clock.now()
      if (!wasOver && row.touched_at < now - idleMs) {
        rollout.end(`No call came for ${idleMs / 60_000} minutes`)
      }
      const result = work(rollout)
      if (wasOver) return result
      const fresh = rollout.takeEvents()
      const { state } = rollout
      for (const [i, event] of fresh.entries()) {
        const seq = state.events - fresh.length + i
        await tx.run(sql`insert into scenarios_rollout_event (rollout_n, seq, at, data)
          values (${row.n}, ${seq}, ${now}, ${JSON.stringify(event)})`)
      }
      await tx.run(sql`update scenarios_rollout set status = ${state.status},
        state = ${JSON.stringify(state)}, touched_at = ${now} where n = ${row.n}`)
      if (rollout.isOver) {
        const messages = messagesIn(await eventsOf(tx, row.n))
        await recordings.add(ownerId, 'gateway', { ...rollout.trajectory, messages }, tx)
      }
      return result
    })
  }
}

const rowsOf = (q: Queries, condition: ReturnType<typeof sql>): Promise<Row[]> =>
  q.rows<Row>(sql`select * from scenarios_rollout where ${condition}`)

const found = async (q: Queries, ownerId: number, id: string): Promise<Row> => {
  const [row] = await rowsOf(q, sql`owner_id = ${ownerId} and id = ${id}`)
  if (!row) throw unknownRollout()
  return row
}

const eventsOf = async (q: Queries, n: number): Promise<readonly RolloutEvent[]> => {
  const rows = await q.rows<{ data: string }>(sql`
    select data from scenarios_rollout_event where rollout_n = ${n} order by seq`)
  return rows.map(({ data }) => JSON.parse(data) as RolloutEvent)
}

/** One whose scenario cannot play it to an end any more. */
const dropped = (q: Queries, n: number): Promise<number> =>
  q.run(sql`update scenarios_rollout set status = 'failed' where n = ${n}`)

/** @throws HearthError `rate_limited` when too many are running */
const makeRoom = async (tx: Transaction, ownerId: number): Promise<void> => {
  const mine = sql`owner_id = ${ownerId}`
  const [counted] = await tx.rows<{ running: number }>(sql`
    select count(*) as running from scenarios_rollout where ${mine} and status = 'running'`)
  if (Number(counted?.running ?? 0) >= maxRunning) {
    const message = `${maxRunning} of your rollouts are running: end some of them first`
    throw new HearthError('rate_limited', message)
  }
  const old = sql`${mine} and status <> 'running' and n <= (select n from scenarios_rollout
    where ${mine} order by n desc limit 1 offset ${keptRollouts})`
  await tx.run(sql`delete from scenarios_rollout_event where rollout_n in (
    select n from scenarios_rollout where ${old})`)
  await tx.run(sql`delete from scenarios_rollout where ${old}`)
}
