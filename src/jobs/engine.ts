/** Puts the engine together: what commits a change of a job, and all that hears of it. */
import type { Who } from '../auth/who.ts'
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/log.ts'
import type { Database } from '../storage/database.ts'
import { Attempts } from './attempts.ts'
import { type Chores, createChores, type Retention } from './chores.ts'
import { type CommandOptions, visibleJob } from './commands.ts'
import { type Commits, createCommits, type JobChange } from './commits.ts'
import { createDispatcher, type Dispatcher } from './dispatch.ts'
import { Facts } from './facts.ts'
import { Finished } from './finished.ts'
import { isTerminal } from './job.ts'
import { JoinTokens } from './join-tokens.ts'
import { createLeases, type Leases } from './leases.ts'
import { createJobReader } from './job-reader.ts'
import { Listing } from './listing.ts'
import { Nodes } from './nodes.ts'
import type { Job } from './rows.ts'
import type { Runner } from './runner.ts'
import type { RunningLimits } from './running-limits.ts'
import type { Sealer } from '../auth/sealer.ts'
import { Sessions } from './sessions.ts'
import type { Streams, StreamsHost } from './streams.ts'
import { createSubmit, type Submit } from './submit.ts'
import { createSync, type Sync } from './sync.ts'
import { watchOthers } from './watch-others.ts'

export interface EngineOptions {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  readonly sealer: Sealer
  readonly runners: () => ReadonlyMap<string, Runner>
  readonly openStreams: (host: StreamsHost) => Streams
  readonly limits: RunningLimits
  readonly retention: Retention
  readonly lostAfterMs: number
  readonly maxQueuedPerOwner: number
}

export interface Engine {
  readonly streams: Streams
  readonly nodes: Nodes
  readonly tokens: JoinTokens
  readonly sessions: Sessions
  readonly leases: Leases
  readonly chores: Chores
  readonly attempts: Attempts
  readonly listing: Listing
  readonly finished: Finished
  readonly commands: CommandOptions
  readonly submit: Submit
  readonly sync: Sync
  start(): Promise<void>
  drain(): void
  stop(): Promise<void>
}

export const createEngine = (options: EngineOptions): Engine => {
  const { db, clock, log } = options
  const sessions = new Sessions()
  const nodes = new Nodes(db, clock)
  const facts = new Facts(db)
  const readJob = createJobReader(db)
  const commits = createCommits(db, (changes) => hear(changes))
  const streams = options.openStreams(streamsHost())
  const leases = createLeases({ ...options, commits })
  const dispatcher = createDispatcher({ ...options, commits, sessions })
  const listing = new Listing({ db, nodes, leases, streams })
  const finished = new Finished({ db, log, view: (job) => listing.view(job) })
  const attempts = new Attempts({
    ...options,
    commits,
    streams,
    leases,
    facts: (job) => facts.of(job),
    readJob,
  })
  const commands = { db, commits, clock, streams }
  const chores = createChores({ ...options, ...commands, leases })
  const others = watchOthers({ db, clock, log, sessions })
  const sync = createSync({
    ...options,
    commits,
    nodes,
    sessions,
    dispatcher,
    leases,
    streams,
    facts,
  })
  const hear = createHearing({ log, sessions, dispatcher, streams, facts, finished })

  function streamsHost(): StreamsHost {
    return {
      async find(jobId) {
        const job = await readJob(jobId)
        return job && facts.of(job)
      },
      readable: async (who: Who, jobId) => facts.of(await visibleJob(db, who, jobId)),
      attemptOf: async (request, jobId, attempt) =>
        facts.of(await attempts.current(await nodes.of(request), jobId, attempt)),
      async nodeOf(request) {
        const node = await nodes.of(request)
        return { node: node.id, jobs: await facts.on(node.id) }
      },
      async view(jobId) {
        const job = await readJob(jobId)
        return job && listing.view(job)
      },
    }
  }

  return {
    streams,
    nodes,
    tokens: new JoinTokens(db, clock, nodes),
    sessions,
    leases,
    chores,
    attempts,
    listing,
    finished,
    commands,
    submit: createSubmit({ ...options, commits, streams }),
    sync,
    async start() {
      await streams.start()
      await finished.start()
    },
    drain() {
      sync.drain()
      streams.drain()
    },
    async stop() {
      others.stop()
      await chores.stop()
      await leases.stop()
      await dispatcher.stop()
      await settle(commits, hear)
      await streams.stop()
    },
  }
}

const settle = async (commits: Commits, hear: Hearing): Promise<void> => {
  await commits.idle()
  await hear.idle()
}

interface HearingOptions {
  readonly log: Logger
  readonly sessions: Sessions
  readonly dispatcher: Dispatcher
  readonly streams: Streams
  readonly facts: Facts
  readonly finished: Finished
}

interface Hearing {
  (changes: readonly JobChange[]): void
  idle(): Promise<void>
}

const holdsPlace = ({ state }: Job): boolean =>
  state === 'assigned' || state === 'running' || state === 'lost'

/** What follows from changes once they are on disk. Never throws: they have happened. */
const createHearing = (options: HearingOptions): Hearing => {
  const { log, sessions, dispatcher, streams, facts, finished } = options
  const under = new Set<Promise<void>>()

  const afterwards = async (before: Job | null, job: Job): Promise<void> => {
    if (before && holdsPlace(before) && !holdsPlace(job)) {
      await streams.seal(job.id, before.attempt)
    }
    if (!isTerminal(job.state) || (before && isTerminal(before.state))) return
    await streams.ended(await facts.of(job))
    streams.changed(job.id)
    await finished.tell(job)
  }
  const hear = (changes: readonly JobChange[]): void => {
    let mayDispatch = false
    for (const { before, after } of changes) {
      try {
        const freed = sessions.jobChanged(before, after)
        mayDispatch ||= freed || after.state === 'queued'
        streams.changed(after.id)
      } catch (error) {
        log.error('Not everybody could be told of a change', { error, job: after.id })
      }
      if (!isTerminal(after.state) && !(before && holdsPlace(before))) continue
      if (holdsPlace(after)) continue
      const work = afterwards(before, after)
        .catch((error: unknown) =>
          log.error('The end of a job could not be worked off', { error, job: after.id }),
        )
        .finally(() => under.delete(work))
      under.add(work)
    }
    if (mayDispatch) void dispatcher.request()
  }
  return Object.assign(hear, {
    idle: async () => {
      await Promise.all(under)
    },
  })
}

/** @throws HearthError `not_found` for ids that no job can have */
export const checkJobId = (id: string): string => {
  if (/^j[a-z0-9]{20}$/.test(id)) return id
  throw new HearthError('not_found', `There is no job ${id}`)
}
