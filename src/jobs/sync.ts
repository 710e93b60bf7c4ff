/** The verb that carries everything: heartbeat, claim, cancellation and reconciliation in one. */
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import type { Commits } from './commits.ts'
import type { Dispatcher } from './dispatch.ts'
import type { Facts } from './facts.ts'
import type { Leases } from './leases.ts'
import { checkProtocol, type Node, type Nodes } from './nodes.ts'
import type { Assignment, SyncReply, SyncRequest } from './protocol.ts'
import { reconcile } from './reconcile.ts'
import { type Draft, draftReply, urgency } from './reply.ts'
import { isActive, type Job, jobsWhere, plansOf } from './rows.ts'
import type { Session, Sessions } from './sessions.ts'
import type { Streams } from './streams.ts'

export interface SyncOptions {
  readonly db: Database
  readonly commits: Commits
  readonly nodes: Nodes
  readonly sessions: Sessions
  readonly dispatcher: Pick<Dispatcher, 'request'>
  readonly leases: Leases
  readonly streams: Pick<Streams, 'lastCheckpoint'>
  /** Plans that are handed out are asked for again soon. */
  readonly facts: Pick<Facts, 'remember'>
  readonly clock: Clock
}

export interface Sync {
  sync(node: Node, request: SyncRequest, signal: AbortSignal): Promise<SyncReply>
  /** Answers every node that waits, and lets none wait from here on. */
  drain(): void
}

/** What a node was told and has not acted on is said again after this long. */
const againMs = 1000

export const createSync = (options: SyncOptions): Sync => {
  const { db, nodes, sessions, dispatcher, leases, clock } = options
  let draining = false

  const wait = (session: Session, untilMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const poll = { wake: () => end() }
      const timer = clock.after(Math.max(0, untilMs - clock.now()), () => end())
      const end = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', end)
        if (session.poll === poll) session.poll = null
        resolve()
      }
      signal.addEventListener('abort', end)
      session.poll = poll
      void dispatcher.request()
    })

  /** One look at the queue, for a node that will not wait. */
  const look = async (session: Session): Promise<void> => {
    const poll = { wake: () => undefined }
    session.poll = poll
    await dispatcher.request()
    if (session.poll === poll) session.poll = null
  }

  const sync = async (
    known: Node,
    request: SyncRequest,
    signal: AbortSignal,
  ): Promise<SyncReply> => {
    checkProtocol(request.protocol, request.version)
    leases.heard(known.id)
    const node = await nodes.update(known, request)
    const session = sessions.open(node, request.capacity, request.accepting && !node.draining)
    const turn = takeTurn(session)
    await loadActive(db, session)
    await reconcile(options, session, request.holding)
    const beganMs = clock.now()
    const patienceMs = Math.min(request.waitMs, patienceOf(session))
    if (request.waitMs === 0 && session.accepting && !draining) await look(session)
    for (;;) {
      const draft = draftReply(session, request.holding)
      const kind = urgency(draft.says, session.told)
      const untilMs = beganMs + (kind === 'again' ? Math.min(againMs, patienceMs) : patienceMs)
      const isOver = kind === 'news' || clock.now() >= untilMs || signal.aborted || draining
      if (isOver || turns.get(session) !== turn) return answer(options, session, draft)
      await wait(session, untilMs, signal)
    }
  }

  return {
    sync,
    drain() {
      draining = true
      sessions.wakeAll()
    },
  }
}

/** A newer sync of the same node ends an older one that may still wait. */
const turns = new WeakMap<Session, object>()

const takeTurn = (session: Session): object => {
  const turn = {}
  turns.set(session, turn)
  session.poll?.wake()
  return turn
}

const loadActive = async (db: Database, session: Session): Promise<void> => {
  const jobs = await jobsWhere(db, sql`node_id = ${session.node.id} and ${isActive} order by seq`)
  session.active.clear()
  for (const job of jobs) session.active.set(job.id, job)
}

/** A node that must end its work without the server has to hear from it well before. */
const patienceOf = ({ active }: Session): number => {
  const stops = [...active.values()].flatMap(({ policy }) => policy.stop_after_ms ?? [])
  return Math.min(...stops) / 3
}

const answer = async (options: SyncOptions, session: Session, draft: Draft): Promise<SyncReply> => {
  session.told = draft.says
  const plans = await plansOf(
    options.db,
    draft.work.map(({ id }) => id),
  )
  for (const [jobId, plan] of plans) options.facts.remember(jobId, plan)
  const assignment = async (job: Job): Promise<Assignment[]> => {
    const plan = plans.get(job.id)
    if (!plan) return []
    const checkpoint = job.attempt > 1 ? await options.streams.lastCheckpoint(job.id) : null
    return [
      {
        job: job.id,
        attempt: job.attempt,
        plan,
        gpus: [...job.gpus],
        stopAfterMs: job.policy.stop_after_ms,
        checkpoint,
      },
    ]
  }
  const work = (await Promise.all(draft.work.map(assignment))).flat()
  return { work, want: draft.want, drop: draft.drop }
}
