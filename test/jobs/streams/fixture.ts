/** The streams of jobs in a kernel, over an engine that is a map of jobs. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isTerminal } from '../../../src/jobs/job.ts'
import { streamMigrations } from '../../../src/jobs/attempt-log-migrations.ts'
import { openStreams, type StreamLimits } from '../../../src/jobs/streams-open.ts'
import type { JobFacts, Streams, StreamsHost } from '../../../src/jobs/streams.ts'
import { definePlugin, HearthError } from '../../../src/sdk.ts'
import { openDatabase } from '../../../src/storage/open.ts'
import { fakeClock, type PluginUnderTest, testPlugin } from '../../../src/testing.ts'
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
  readonly dataDir: string
  /** Puts a running job there, as its first attempt, and answers it. */
  add(change?: Partial<JobFacts>): JobFacts
  /** Changes a job as the engine would. */
  change(jobId: string, change: Partial<JobFacts>): void
  /** A request of the node. */
  node(path: string, init?: RequestInit): Promise<Response>
}

export const openBench = async (
  dialect: (typeof dialects)[number] = 'sqlite',
  limits: Partial<StreamLimits> = {},
): Promise<Bench> => {
  const { db, drop } = await openTestDatabase(dialect)
  const dataDir = await mkdtemp(join(tmpdir(), 'hearth-streams-'))
  const jobs = new Map<string, JobFacts>()
  const clock = fakeClock()
  let opened: Streams | undefined
  const plugin = definePlugin({
    id: 'jobs',
    version: '1.0.0',
    sdk: '*',
    migrations: streamMigrations,
    setup({ blobs, live, log }) {
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
  const server = await testPlugin(plugin, { db, clock })
  const streams = opened as Streams
  return {
    jobs,
    streams,
    server,
    dataDir,
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
    node: (path, init = {}) =>
      server.fetch(path, { ...init, headers: { authorization: `Bearer ${nodeToken}` } }),
    async [Symbol.asyncDispose]() {
      await server.stop()
      await drop()
      await rm(dataDir, { recursive: true, force: true })
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

const hostOf = (jobs: ReadonlyMap<string, JobFacts>): StreamsHost => {
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
  for (let turn = 0; turn < 2_000; turn++) {
    const found = await check()
    if (found !== null && found !== undefined) return found
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('It never happened')
}
