/** Hands queued jobs to nodes that wait: by priority, then age, each to the tightest place. */
import type { Clock, Timer } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import type { Queries } from '../storage/database.ts'
import { type SQL, sql } from '../storage/sql.ts'
import { type Claim, claim } from './claim.ts'
import type { Commits } from './commits.ts'
import { excludeFull, type RunningLimits } from './running-limits.ts'
import { type Demand, fit, type Free, isFull, isTighter, take } from './match.ts'
import { freePlaces, type Session, type Sessions } from './sessions.ts'

export interface DispatcherOptions {
  readonly db: Queries
  readonly commits: Commits
  readonly sessions: Sessions
  readonly clock: Clock
  readonly log: Logger
  readonly limits: RunningLimits
}

export interface Dispatcher {
  /** Something changed that may let a job begin. Cheap: passes are joined. Resolves after one. */
  request(): Promise<void>
  stop(): Promise<void>
}

const pageSize = 256

/** Other servers' submissions and times that come are found by looking, this often. */
const lookMs = { sqlite: 1000, postgres: 250 } as const

interface Candidate {
  readonly seq: number
  readonly id: string
  readonly priority: number
  readonly shape: string
  readonly demand: string
}

export const createDispatcher = (options: DispatcherOptions): Dispatcher => {
  const { db, sessions, clock, log } = options
  let wanted = false
  let running: Promise<void> | undefined
  let stopped = false

  const run = async (): Promise<void> => {
    while (wanted && !stopped) {
      wanted = false
      try {
        await pass(options)
      } catch (error) {
        log.warn('Jobs could not be handed out; trying again', { error })
      }
    }
    running = undefined
  }
  const request = async (): Promise<void> => {
    wanted = true
    if (!stopped) running ??= Promise.resolve().then(run)
    await running
  }
  const timer: Timer = clock.every(lookMs[db.dialect], () => {
    if (sessions.waiting().length > 0) void request()
  })
  return {
    request,
    async stop() {
      stopped = true
      timer.cancel()
      await running
    },
  }
}

const pass = async (options: DispatcherOptions): Promise<void> => {
  if (options.sessions.waiting().length === 0) return
  const hopeless = new Set<string>()
  // Looked at first: mostly there is nothing, for however many that wait.
  let page = await candidates(options, hopeless, undefined)
  if (page.length === 0) return
  const waiting = new Map(options.sessions.waiting().map((one) => [one, freePlaces(one)]))
  while (page.length > 0 && waiting.size > 0) {
    const claims = assign(page, waiting, hopeless)
    if (claims.length > 0) {
      await options.commits.commit('dispatch', (work) =>
        claim(work, claims, options.limits, options.clock.now()),
      )
    }
    if (page.length < pageSize || waiting.size === 0) return
    page = await candidates(options, hopeless, page.at(-1))
  }
}

/** The queue in order, without those that nobody waiting could take. */
const candidates = async (
  { db, clock, limits }: DispatcherOptions,
  hopeless: ReadonlySet<string>,
  after: Candidate | undefined,
): Promise<Candidate[]> => {
  const conditions: SQL[] = [
    sql`state = 'queued' and desired = 'run' and waiting_for = 0 and ready_at <= ${clock.now()}`,
    ...(await excludeFull(db, limits)),
  ]
  if (hopeless.size > 0) {
    const shapes = [...hopeless].map((shape) => sql`${shape}`)
    conditions.push(sql`shape not in (${sql.join(shapes, sql`, `)})`)
  }
  if (after) {
    conditions.push(sql`(priority < ${after.priority}
      or (priority = ${after.priority} and seq > ${after.seq}))`)
  }
  return db.rows<Candidate>(sql`
    select seq, id, priority, shape, demand from jobs_job
    where ${sql.join(conditions, sql` and `)}
    order by priority desc, seq limit ${pageSize}`)
}

/** Finds a place for each job; shapes that fit nowhere any more are noted as hopeless. */
const assign = (
  page: readonly Candidate[],
  waiting: Map<Session, Free>,
  hopeless: Set<string>,
): Claim[] => {
  const claims: Claim[] = []
  for (const { id, shape, demand: text } of page) {
    if (hopeless.has(shape)) continue
    const demand = JSON.parse(text) as Demand
    const place = tightest(demand, waiting)
    if (!place) {
      hopeless.add(shape)
      continue
    }
    claims.push({ jobId: id, nodeId: place.session.node.id, capacity: place.session.capacity })
    if (!isFull(place.left)) waiting.set(place.session, place.left)
    else waiting.delete(place.session)
    if (waiting.size === 0) break
  }
  return claims
}

const tightest = (demand: Demand, waiting: ReadonlyMap<Session, Free>) => {
  let best: { session: Session; left: Free } | undefined
  for (const [session, free] of waiting) {
    const gpus = fit(demand, free)
    if (!gpus) continue
    const left = take(free, demand, gpus)
    if (!best || isTighter(left, best.left)) best = { session, left }
  }
  return best
}
