/** A job that measures something has a run: made once, filled once, ended with the job. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { JobRuns } from '../../../plugins/job-runs/job-runs.ts'
import { jobRunsMigrations } from '../../../plugins/job-runs/schema.ts'
import { type Tracking, tracking } from '../../../plugins/tracking/service.ts'
import trackingPlugin from '../../../plugins/tracking/index.ts'
import {
  definePlugin,
  HearthError,
  type Jobs,
  type MetricPoint,
  type SinkJob,
} from '../../../src/sdk.ts'
import { silentLogger } from '../../../src/kernel/log.ts'
import { migrate } from '../../../src/storage/migrate.ts'
import { openDatabase } from '../../../src/storage/open.ts'
import { type PluginUnderTest, testPlugin } from '../../../src/testing.ts'

let server: PluginUnderTest
let inside: Tracking
let runs: JobRuns
/** States of the jobs that exist. */
const states = new Map<string, string>()

beforeAll(async () => {
  const db = await openDatabase({ dataDir: ':memory:' })
  const jobs = {
    async get(_who: unknown, id: string) {
      const state = states.get(id)
      if (!state) throw new HearthError('not_found')
      return { id, state }
    },
  } as unknown as Jobs
  const plugin = definePlugin({
    ...trackingPlugin,
    async setup(ctx) {
      const parts = await trackingPlugin.setup(ctx as never)
      inside = (parts.services as { tracking: Tracking }).tracking
      return parts as never
    },
  })
  server = await testPlugin(plugin, { db })
  expect(plugin.provides).toEqual({ tracking })
  await migrate(db, [{ plugin: 'job-runs', migrations: jobRunsMigrations }])
  const { clock } = server
  const auth = {
    user: async (id: number) =>
      id > 2 ? null : { id, username: `user ${id}`, isSuperuser: id === 1 },
  } as never
  runs = new JobRuns({ db, auth, clock, log: silentLogger, jobs, tracking: inside })
})
afterAll(() => server.stop())

const job = (id: string, change: Partial<SinkJob> = {}): SinkJob => {
  states.set(id, change.state ?? 'running')
  return {
    id,
    kind: 'command',
    name: `Training ${id}`,
    ownerId: 2,
    projectId: null,
    state: 'running',
    command: ['python', 'train.py'],
    ...change,
  }
}
const loss = (...values: number[]): MetricPoint[] =>
  values.map((value, step) => ({ name: 'loss', value, step }))
const append = (of: SinkJob, batchId: string, points: readonly MetricPoint[]) =>
  runs.append({ job: of, attempt: 1, batchId, points })
const owner = { id: 2, username: 'user 2', isSuperuser: false, via: 'key' } as const
const runOf = async (id: string) => inside.runs.readable(owner, Number(id))

test('two batches are one run, and the same batch is stored once', async () => {
  const one = job('j1')
  const id = await append(one, 'job/j1/1/0', loss(3, 2))
  expect(await append(one, 'job/j1/1/0', loss(3, 2))).toBe(id)
  expect(await append(one, 'job/j1/1/99', [{ name: 'loss', value: Number.NaN, step: 2 }])).toBe(id)
  const run = await runOf(id)
  expect([run.name, run.config, run.tags, run.status]).toEqual([
    'Training j1',
    { job: 'j1', kind: 'command', command: ['python', 'train.py'] },
    ['job'],
    'running',
  ])
  const history = await inside.points.history(Number(id), 'loss')
  expect([...(history?.values ?? [])]).toEqual([3, 2, Number.NaN])
})

test("jobs without a project share their owner's", async () => {
  const [a, b] = await Promise.all([
    append(job('j2'), 'b', loss(1)),
    append(job('j3'), 'b', loss(1)),
  ])
  const [first, second] = [await runOf(a), await runOf(b)]
  expect(first.projectId).toBe(second.projectId)
  const other = await append(job('j4', { ownerId: 1 }), 'b', loss(1))
  const root = { ...owner, id: 1, isSuperuser: true }
  expect((await inside.runs.readable(root, Number(other))).projectId).not.toBe(first.projectId)
})

test('the run ends as the job ends, and goes on with a retry', async () => {
  const of = job('j5')
  const id = await append(of, 'b1', loss(1))
  await runs.ended({ ...of, state: 'failed' })
  expect((await runOf(id)).status).toBe('failed')
  expect(await append(of, 'b2', loss(2))).toBe(id)
  expect((await runOf(id)).status).toBe('running')
  await runs.ended({ ...of, state: 'succeeded' })
  await runs.ended({ ...job('j6'), state: 'cancelled' })
  expect((await runOf(id)).status).toBe('completed')
})

test("somebody else's project takes no runs", async () => {
  const { projectId } = await runOf(await append(job('j7'), 'b', loss(1)))
  const project = await inside.projects.create({ ...owner, id: 1 }, { name: 'Private' })
  const refused = append(job('j8', { projectId: project.id }), 'b', loss(1))
  expect(await refused.catch((error: HearthError) => error.code)).toBe('not_found')
  const own = await append(job('j9', { projectId }), 'b', loss(1))
  expect((await runOf(own)).projectId).toBe(projectId)
  const gone = append(job('j10', { ownerId: 9 }), 'b', loss(1))
  expect(await gone.catch((error: HearthError) => error.code)).toBe('not_found')
})

test('a job that is silent keeps its run alive', async () => {
  const id = await append(job('j11'), 'b', loss(1))
  const status = async () => {
    await inside.state.flush()
    const [found] = await inside.runs
      .list(owner, {
        tags: [],
        deleted: false,
        skip: 0,
        limit: 100,
        status: 'running',
      })
      .then((list) => list.filter((run) => run.id === Number(id)))
    return found !== undefined
  }
  server.clock.advance(4 * 60_000)
  await runs.keepAlive()
  server.clock.advance(4 * 60_000)
  expect(await status()).toBe(true)
  states.delete('j11')
  await runs.keepAlive()
  server.clock.advance(6 * 60_000)
  await runs.keepAlive()
  expect(await status()).toBe(false)
})
