/** The routes of experiments as the document has them, answer by answer. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { PluginUnderTest } from '../../../../src/testing.ts'
import { answer, created, dataOf, failure, given, open, sendJson, storeOf } from './rig.ts'
import { oneStep, program } from './journal.ts'
import { success, time, uploaded } from './rig.ts'

let app: PluginUnderTest
beforeAll(async () => {
  app = await open()
})
afterAll(() => app.stop())

const post = (path: string, body?: unknown) => sendJson(app.fetch, 'POST', path, body)
const missing = failure(404, 'EXPERIMENT_NOT_FOUND', 'Experiment does not exist')

const settings = {
  proposer: 'auto',
  models: {},
  policy: 'greedy',
  search: { numDrafts: 5, debugProb: 0.5, maxDebugDepth: 3, stagnation: null, exploitAfter: 0.7 },
  workers: 1,
  seed: 0,
  kFold: 5,
  exposePrediction: false,
  dataPreview: true,
  report: true,
  approve: false,
  reruns: 3,
  finalists: 3,
  ensemble: true,
  exec: { timeoutS: 3600, cpus: 1, gpus: 0, sandbox: 'bwrap', requirements: [], warm: true },
  budget: {},
}

const fresh = (id: unknown, more: object = {}) => ({
  id,
  name: 'Houses',
  goal: 'Predict the price',
  eval: null,
  steps: 10,
  status: 'pending',
  progress: 0,
  currentStep: 0,
  totalSteps: 10,
  createdAt: time,
  updatedAt: time,
  startedAt: null,
  completedAt: null,
  dataDir: expect.stringMatching(/^\/experiments\/exp_[0-9a-f]{12}\/data$/),
  bestNodeId: null,
  bestMetric: { value: null, maximize: null },
  task: null,
  settings,
  error: null,
  runId: null,
  ...more,
})

describe('create', () => {
  test('answers 201 with all that is known, and passes over what nobody knows', async () => {
    const files = await uploaded(app.fetch, { 'train.csv': 'a,b\n1,2\n' })
    const body = { ...given, eval: 'RMSE', steps: 3, files, seed: 7, theme: 'dark' }
    const id = expect.stringMatching(/^exp_[0-9a-f]{12}$/)
    const more = { eval: 'RMSE', steps: 3, totalSteps: 3, settings: { ...settings, seed: 7 } }
    const sha256 = expect.stringMatching(/^[0-9a-f]{64}$/)
    expect(await answer(await post('/api/experiments', body))).toEqual(
      success({ ...fresh(id, more), files: [{ name: 'train.csv', sha256, size: 8 }] }, 201),
    )
  })

  test.each([
    ['no name', { goal: 'g' }, 'body.name'],
    ['an empty name', { ...given, name: ' ' }, 'body.name'],
    ['no goal', { name: 'n' }, 'body.goal'],
    ['0 steps', { ...given, steps: 0 }, 'body.steps'],
    ['51 steps', { ...given, steps: 51 }, 'body.steps'],
    ['half a step', { ...given, steps: 1.5 }, 'body.steps'],
    ['files that are none', { ...given, files: 'file_1' }, 'body.files'],
    ['an unknown policy', { ...given, policy: 'random' }, 'body/policy'],
    ['a wrong nested setting', { ...given, exec: { timeoutS: -1 } }, 'body/exec/timeoutS'],
    ['an unknown nested setting', { ...given, settings: { search: { x: 1 } } }, 'body/search/x'],
  ])('refuses %s with the place of it', async (_what, body, path) => {
    const reply = await post('/api/experiments', body)
    const { error } = (await reply.json()) as {
      error: { code: string; details: { issues: { path: string }[] } }
    }
    expect([reply.status, error.code, error.details.issues[0]?.path]).toEqual([
      422,
      'VALIDATION_ERROR',
      path,
    ])
  })

  test.each([1, 50])('takes %d steps', async (steps) => {
    expect((await post('/api/experiments', { ...given, steps })).status).toBe(201)
  })

  test('an unknown file is 404', async () => {
    expect(await answer(await post('/api/experiments', { ...given, files: ['file_0'] }))).toEqual(
      failure(404, 'FILE_NOT_FOUND', 'There is no file file_0'),
    )
  })
})

describe('look', () => {
  test('get answers all of it, status how far it is', async () => {
    const { id } = await created(app.fetch)
    const whole = { ...fresh(id), isPaused: false, files: [] }
    expect(await answer(await app.fetch(`/api/experiments/${id}`))).toEqual(success(whole))
    const { status, progress, currentStep, totalSteps, updatedAt, error } = whole
    expect(await answer(await app.fetch(`/api/experiments/${id}/status`))).toEqual(
      success({ id, status, progress, currentStep, totalSteps, updatedAt, error }),
    )
  })

  test('status and results answer while it runs', async () => {
    const { id } = await created(app.fetch, { steps: 2 })
    await storeOf(app).append(id, () => oneStep)
    expect(await dataOf(app.fetch(`/api/experiments/${id}/status`))).toEqual({
      ...{ id, status: 'running', progress: 0.5, currentStep: 1, totalSteps: 2, updatedAt: time },
      error: null,
    } as never)
    const metric = { value: 0.5, maximize: true }
    app.clock.advance(4_000)
    expect(await answer(await app.fetch(`/api/experiments/${id}/results`))).toEqual(
      success({
        experimentId: id,
        status: 'running',
        bestSolution: {
          ...{ nodeId: 'node_1', step: 1, plan: 'guess', code: 'print(0.5)', metric },
          ...{ metricSource: 'reported', reportedMetric: 0.5, interval: null },
        },
        bestMetric: metric,
        journal: {
          nodes: [
            {
              ...{ id: 'node_1', step: 1, stage: 'draft', state: 'finished', ...program },
              ...{ parentId: null, parents: [], children: [], debugDepth: 0 },
              ...{ isBuggy: false, failure: null, failureMessage: null, metric },
              ...{ metricSource: 'reported', reportedMetric: 0.5, interval: null },
              ...{ analysis: 'fair', warnings: [], execTime: 2.5, termOut: ['score 0.5\n'] },
              ...{ excType: null, excInfo: null, excStack: null, exitCode: 0, signal: null },
              ...{ peakMemoryBytes: null, artifacts: [], artifactsLeftOut: [] },
              ...{ jobId: 'job_1', isPinned: false, isPruned: false, createdAt: time },
            },
          ],
          bestMetric: metric,
          totalTime: 4,
          createdAt: time,
        },
        config: { ...settings, steps: 2, goal: 'Predict the price' },
        task: null,
        final: null,
        notes: [],
        treeVisualization: `/api/experiments/${id}/tree.html`,
        totalTime: 4,
        startedAt: time,
        completedAt: null,
      }),
    )
    expect(await answer(await post(`/api/experiments/${id}/start`))).toEqual(
      failure(409, 'EXPERIMENT_ALREADY_RUNNING', 'The experiment is already running'),
    )
    const embedded = await dataOf(app.fetch(`/api/experiments/${id}/results?embed=tree`))
    const page = await (await app.fetch(`/api/experiments/${id}/tree.html`)).text()
    expect(embedded['treeVisualization'] as unknown).toBe(page)
    expect(page).toStartWith('<!doctype html>')
    const patch = { steps: 5 }
    expect(
      await answer(await sendJson(app.fetch, 'PATCH', `/api/experiments/${id}`, patch)),
    ).toEqual(failure(409, 'CONFLICT', 'Only the name can be changed once it was started'))
  })

  test('what does not run cannot be stopped', async () => {
    const { id } = await created(app.fetch)
    expect(await answer(await post(`/api/experiments/${id}/stop`))).toEqual(
      failure(409, 'CONFLICT', 'The experiment is not running'),
    )
  })
})

describe('list', () => {
  test('is of one’s own, newest first, in pages', async () => {
    const ada = await app.as('grace')
    const ids: string[] = []
    for (let i = 0; i < 3; i++) {
      ids.push((await created(ada.fetch)).id)
      app.clock.advance(1)
    }
    expect(await answer(await ada.fetch('/api/experiments?page=2&limit=2'))).toEqual(
      success({ experiments: [fresh(ids[0])], total: 3, page: 2, limit: 2, totalPages: 2 }),
    )
    expect(await answer(await ada.fetch('/api/experiments?status=completed'))).toEqual(
      success({ experiments: [], total: 0, page: 1, limit: 10, totalPages: 0 }),
    )
  })

  const range = (to: number) => `must be a whole number from 1 to ${to}`
  const names = 'must be one of pending, running, completed, failed, stopped'
  test.each([
    ['page=0', 'page', range(1_000_000)],
    ['page=x', 'page', range(1_000_000)],
    ['limit=0', 'limit', range(100)],
    ['limit=101', 'limit', range(100)],
    ['limit=1.5', 'limit', range(100)],
    ['status=done', 'status', names],
  ])('refuses %s', async (query, name, message) => {
    const path = `query.${name}`
    expect(await answer(await app.fetch(`/api/experiments?${query}`))).toEqual(
      failure(422, 'VALIDATION_ERROR', `${path}: ${message}`, [{ path, message }]),
    )
  })
})

describe('change', () => {
  test('everything while it is pending, files too', async () => {
    const { id } = await created(app.fetch)
    const files = await uploaded(app.fetch, { 'a.csv': 'x' })
    const changes = { name: 'New', goal: 'Else', eval: 'AUC', steps: 2, files, workers: 2 }
    const sha256 = expect.any(String)
    expect(
      await answer(await sendJson(app.fetch, 'PATCH', `/api/experiments/${id}`, changes)),
    ).toEqual(
      success({
        ...fresh(id, {
          ...{ name: 'New', goal: 'Else', eval: 'AUC', steps: 2, totalSteps: 2 },
          settings: { ...settings, workers: 2 },
        }),
        files: [{ name: 'a.csv', sha256, size: 1 }],
      }),
    )
    const none = await dataOf(sendJson(app.fetch, 'PATCH', `/api/experiments/${id}`, { files: [] }))
    expect(none['files'] as unknown).toEqual([])
    const unknown = { files: ['file_0'] }
    expect(
      await answer(await sendJson(app.fetch, 'PATCH', `/api/experiments/${id}`, unknown)),
    ).toEqual(failure(404, 'FILE_NOT_FOUND', 'There is no file file_0'))
  })

  test('delete, and it is gone', async () => {
    const { id } = await created(app.fetch)
    const deleted = await app.fetch(`/api/experiments/${id}`, { method: 'DELETE' })
    expect(await answer(deleted)).toEqual(success({ id, deleted: true }))
    expect(await answer(await app.fetch(`/api/experiments/${id}`))).toEqual(missing)
  })
})
