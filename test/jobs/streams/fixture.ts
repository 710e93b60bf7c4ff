/** The streams of jobs in a kernel, over an engine that is a map of jobs. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isTerminal } from '../../../src/jobs/job.ts'
import { streamMigrations } from '../../../src/jobs/attempt-log-migrations.ts'
import { openStreams, type StreamLimits } from '../../../src/jobs/streams-open.ts'
import type { JobFacts, Streams, StreamsHost } from '../../../src/jobs/streams.ts'
import { readSettings } from '../../../src/kernel/config.ts'
import { silentLogger } from '../../../src/kernel/log.ts'
import { startServer } from '../../../src/kernel/server.ts'
import { definePlugin, HearthError, type Plugin } from '../../../src/sdk.ts'
import { openDatabase } from '../../../src/storage/open.ts'
import { type PluginUnderTest, testPlugin } from '../../../src/testing.ts'
import { createPostgres } from '../../storage/postgres-server.ts'

export const dialects = ['sqlite', 'postgres'] as const

export const openTestDatabase = async (dialect: (typeof dialects)[number]) => {
  if (dialect === 'sqlite') {
    const db = await openDatabase({ dataDir: ':memory:' })
    return { db, drop: () => db.close() }
  }
  const { url, drop } = await createPostgres()
  const db = await openDatabase({ dataDir: tmpdir(), databaseUrl: url })
  return { db, drop: () => db.close().then(drop) }
}

export const nodeToken = 'hnode_test'

export interface Bench extends AsyncDisposable {
  readonly jobs: Map<string, JobFacts>
  readonly streams: Streams
  readonly server: PluginUnderTest
  /** Puts a running job there, as its first attempt, and answers it. */
  add(change?: Partial<JobFacts>): JobFacts
  /** Changes a job as the engine would. */
  change(jobId: string, change: Partial<JobFacts>): void
  /** A request of the node. */
  node(path: string, init?: RequestInit): Promise<Response>
}

interface Opened {
  readonly plugin: Plugin
  streams(): Streams
}

/** A plugin that is nothing but the streams of these jobs. */
const pluginOf = (options: {
  readonly jobs: Map<string, JobFacts>
  readonly dataDir: string
  readonly limits: Partial<StreamLimits>
}): Opened => {
  let opened: Streams | undefined
  const plugin = definePlugin({
    id: 'jobs',
    version: '1.0.0',
    sdk: '*',
    migrations: streamMigrations,
    setup({ db, blobs, live, log, clock }) {
      const { jobs, dataDir, limits } = options
      const host = hostOf(jobs)
      const streams = openStreams({ db, blobs, dataDir, clock, log, live, host, limits })
      opened = streams
      return {
        routes: streams.routes,
        channels: [streams.channel],
        start: () => streams.start(),
        drain: () => streams.drain(),
        stop: () => streams.stop(),
      }
    },
  })
  return { plugin, streams: () => opened as Streams }
}

const bench = (
  jobs: Map<string, JobFacts>,
  streams: Streams,
): Pick<Bench, 'jobs' | 'streams' | 'add' | 'change'> => ({
  jobs,
  streams,
  add(change = {}) {
    const job = { ...running, id: `j${jobs.size + 1}`, ...change }
    jobs.set(job.id, job)
    return job
  },
  change(jobId, change) {
    const job = jobs.get(jobId) as JobFacts
    jobs.set(jobId, { ...job, version: job.version + 1, ...change })
    streams.changed(jobId)
  },
})

const asNode = (init: RequestInit): RequestInit => ({
  ...init,
  headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${nodeToken}` },
})

export const openBench = async (
  dialect: (typeof dialects)[number] = 'sqlite',
  limits: Partial<StreamLimits> = {},
): Promise<Bench> => {
  const { db, drop } = await openTestDatabase(dialect)
  const dataDir = await mkdtemp(join(tmpdir(), 'hearth-streams-'))
  const jobs = new Map<string, JobFacts>()
  const { plugin, streams } = pluginOf({ jobs, dataDir, limits })
  const server = await testPlugin(plugin, { db })
  return {
    ...bench(jobs, streams()),
    server,
    node: (path, init = {}) => server.fetch(path, asNode(init)),
    async [Symbol.asyncDispose]() {
      await server.stop()
      await drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** The same on a port, where sockets and streams are real ones. */
export const openServer = async (folder?: string) => {
  const dataDir = folder ?? (await mkdtemp(join(tmpdir(), 'hearth-streams-')))
  const jobs = new Map<string, JobFacts>()
  const { plugin, streams } = pluginOf({ jobs, dataDir, limits: {} })
  const settings = { ...readSettings({ PORT: '0', DATA_DIR: dataDir }), file: {} }
  const server = await startServer(
    settings,
    [{ plugin, config: undefined, optional: false }],
    silentLogger,
  )
  return {
    ...bench(jobs, streams()),
    url: server.url,
    stop: () => server.stop(),
    node: (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, asNode(init)),
    async [Symbol.asyncDispose]() {
      await server.stop()
      if (!folder) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

const running: JobFacts = {
  id: 'j1',
  kind: 'command',
  name: 'training',
  ownerId: 0,
  projectId: null,
  state: 'running',
  attempt: 1,
  node: 'n1',
  version: 1,
  plan: { command: ['python', 'train.py'] },
  createdAt: Date.UTC(2026, 0, 1),
}

export const hostOf = (jobs: ReadonlyMap<string, JobFacts>): StreamsHost => {
  const checkNode = (request: Request) => {
    if (request.headers.get('authorization') === `Bearer ${nodeToken}`) return
    throw new HearthError('unauthorized')
  }
  return {
    find: async (id) => jobs.get(id) ?? null,
    async readable(who, id) {
      const job = jobs.get(id)
      if (!job || !(who.isSuperuser || who.id === job.ownerId)) throw new HearthError('not_found')
      return job
    },
    async attemptOf(request, id, attempt) {
      checkNode(request)
      const job = jobs.get(id)
      if (!job || job.attempt !== attempt || isTerminal(job.state)) throw new HearthError('gone')
      return job
    },
    async nodeOf(request) {
      checkNode(request)
      return { node: 'n1', jobs: [...jobs.values()].filter(({ node }) => node === 'n1') }
    },
    view: async (id) => {
      const job = jobs.get(id)
      return job ? { id, state: job.state } : null
    },
  }
}

export const sha256 = (bytes: string | Uint8Array): string =>
  new Bun.CryptoHasher('sha256').update(bytes).digest('hex')

/** Whole `finish` of an attempt that wrote these. */
export const finishOf = (log: string, events = '') => ({
  outcome: { reason: 'exited', exitCode: 0, signal: null },
  log: { size: Buffer.byteLength(log), sha256: sha256(log) },
  events: { size: Buffer.byteLength(events), sha256: sha256(events) },
  artifacts: [],
})

/** Waits until `check` answers something; for what happens soon, and in its own time. */
export const eventually = async <T>(check: () => Promise<T | null | undefined>): Promise<T> => {
  const giveUpAt = performance.now() + 10_000
  while (performance.now() < giveUpAt) {
    const found = await check()
    if (found !== null && found !== undefined) return found
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('It never happened')
}
