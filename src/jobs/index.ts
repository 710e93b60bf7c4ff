/** The jobs plugin: queue, nodes, the agent protocol, and what users see of it. */
import { Type as t } from '@sinclair/typebox'
import type { Clock } from '../kernel/clock.ts'
import { detailDialect } from '../kernel/dialect.ts'
import { definePlugin, type Plugin } from '../kernel/plugin.ts'
import { router } from '../kernel/router.ts'
import { streamMigrations } from './attempt-log-migrations.ts'
import { removeJob, runCommand, visibleJob } from './commands.ts'
import { checkJobId, createEngine, type Engine } from './engine.ts'
import { engineMigrations } from './migrations.ts'
import { agentRoutes } from './routes-agents.ts'
import { jobRoutes } from './routes-jobs.ts'
import { listNodes } from './node-list.ts'
import { nodeRoutes } from './routes-nodes.ts'
import type { Runner } from './runner.ts'
import { type Jobs, jobs } from './service.ts'
import { openStreams } from './streams-open.ts'

export interface JobsOptions {
  readonly dataDir: string
  /** The kinds of jobs that plugins bring, as they are now. */
  readonly runners: () => ReadonlyMap<string, Runner>
  /** Whether other servers publish on the same bus. */
  readonly shared: boolean
}

const dayMs = 86_400_000

const config = t.Object({
  localSlots: t.Optional(
    t.Integer({
      minimum: 0,
      maximum: 4096,
      description: "Jobs at once on the server's own node; 0: it has none. Default: its CPUs",
    }),
  ),
  maxRunningPerUser: t.Union([t.Integer({ minimum: 1 }), t.Null()], { default: null }),
  maxRunningPerProject: t.Union([t.Integer({ minimum: 1 }), t.Null()], { default: null }),
  maxQueuedPerUser: t.Integer({ minimum: 1, default: 100_000 }),
  keepEndedMs: t.Union([t.Integer({ minimum: 1000 }), t.Null()], {
    default: null,
    description: 'Jobs that ended longer ago are deleted with their files; null: never',
  }),
  keepEndedCount: t.Union([t.Integer({ minimum: 0 }), t.Null()], {
    default: null,
    description: 'Of jobs that ended only so many are kept; null: all',
  }),
  lostAfterMs: t.Integer({
    minimum: 60_000,
    default: 7 * dayMs,
    description: 'A held job whose node is silent for longer is called lost',
  }),
})

export const jobsPlugin = (options: JobsOptions): Plugin =>
  definePlugin({
    id: 'jobs',
    version: '1.0.0',
    sdk: '>=0.1.0',
    config,
    provides: { jobs },
    dialect: detailDialect,
    paths: ['/api/jobs', '/api/nodes', '/api/agents', '/api/attempts'],
    migrations: [...engineMigrations, ...streamMigrations],
    async setup({ auth, db, blobs, live, log, clock, config }) {
      const { dataDir, shared } = options
      const engine = createEngine({
        db,
        clock,
        log,
        sealer: await auth.sealer('jobs'),
        runners: options.runners,
        openStreams: (host) => openStreams({ db, blobs, dataDir, clock, log, live, host, shared }),
        limits: { perUser: config.maxRunningPerUser, perProject: config.maxRunningPerProject },
        retention: { maxAgeMs: config.keepEndedMs, maxEnded: config.keepEndedCount },
        lostAfterMs: config.lostAfterMs,
        maxQueuedPerOwner: config.maxQueuedPerUser,
      })
      const service = serviceOf(engine, clock)
      return {
        routes: router()
          .use(jobRoutes(service, engine))
          .use(nodeRoutes(engine, clock))
          .use(agentRoutes(engine))
          .use(engine.streams.routes),
        channels: [engine.streams.channel],
        services: { jobs: service },
        start: () => engine.start(),
        drain: () => engine.drain(),
        stop: () => engine.stop(),
      }
    },
  })

const serviceOf = (engine: Engine, clock: Clock): Jobs => {
  const { listing, commands, finished, streams, nodes } = engine
  const steer =
    (command: 'cancel' | 'pause' | 'resume' | 'retry'): Jobs['cancel'] =>
    async (who, jobId) => {
      await runCommand(commands, who, checkJobId(jobId), command)
      return listing.view(await visibleJob(commands.db, who, jobId))
    }
  return {
    submit: async (who, submission) => listing.view(await engine.submit(who, submission)),
    get: async (who, jobId) => listing.view(await visibleJob(commands.db, who, checkJobId(jobId))),
    list: (who, filter) => listing.list(who, filter),
    cancel: steer('cancel'),
    pause: steer('pause'),
    resume: steer('resume'),
    retry: steer('retry'),
    remove: (who, jobId) => removeJob(commands, who, checkJobId(jobId)),
    onFinished: (kind, listener) => finished.on(kind, listener),
    addSink: (sink) => streams.addSink(sink),
    nodes: async () =>
      (await listNodes(commands.db, nodes, clock, () => false)).map((node) => {
        const session = engine.sessions.get(node.id)
        // What was heard is written down after a while; who waits for work is there.
        return session?.poll && session.accepting ? { ...node, state: 'online' } : node
      }),
    bytes: streams.bytes,
    ownNode: (node) => nodes.own(node),
  }
}
