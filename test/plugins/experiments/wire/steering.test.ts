/** What people do to an experiment, answer by answer; what comes of it is the engine's. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { JournalEvent } from '../../../../plugins/experiments/journal/events.ts'
import type { PluginUnderTest } from '../../../../src/testing.ts'
import { finished, oneStep, program, proposed, stopped } from './journal.ts'
import { answer, created, failure, open, sendJson, storeOf, success, time } from './rig.ts'

let app: PluginUnderTest
beforeAll(async () => {
  app = await open()
})
afterAll(() => app.stop())

const post = async (path: string, body?: unknown) =>
  answer(await sendJson(app.fetch, 'POST', `/api/experiments/${path}`, body))

/** An experiment to which this has happened. */
const after = async (...events: readonly JournalEvent[]): Promise<string> => {
  const { id } = await created(app.fetch, { steps: 3 })
  await storeOf(app).append(id, () => events)
  return id
}

const fresh = {
  ...{ parentId: null, parents: [], children: [], debugDepth: 0, plan: '', calls: [] },
  ...{
    isBuggy: null,
    failure: null,
    failureMessage: null,
    metric: { value: null, maximize: true },
  },
  ...{ metricSource: null, reportedMetric: null, interval: null, analysis: null, warnings: [] },
  ...{ execTime: null, termOut: [], excType: null, excInfo: null, excStack: null, exitCode: null },
  ...{ signal: null, peakMemoryBytes: null, artifacts: [], artifactsLeftOut: [], jobId: null },
  ...{ isPinned: false, isPruned: false, createdAt: time },
}

test('a program of one’s own is a node, and a step more', async () => {
  const id = await after(...oneStep, stopped)
  const body = { code: 'print(1)', plan: 'mine', parent: 'node_1', theme: 'dark' }
  const human = { stage: 'human', state: 'ready', author: 'local', code: 'print(1)' }
  const parent = { parentId: 'node_1', parents: ['node_1'] }
  expect(await post(`${id}/nodes`, body)).toEqual(
    success({ ...fresh, ...human, ...parent, id: 'node_2', step: 2, plan: 'mine' }, 201),
  )
  expect(await post(`${id}/nodes`, { code: 'print(1)' })).toEqual(
    success({ ...fresh, ...human, id: 'node_3', step: 3 }, 201),
  )
  const { body: now } = await answer(await app.fetch(`/api/experiments/${id}`))
  expect(now).toMatchObject({ data: { steps: 5, currentStep: 1, totalSteps: 5 } })
  expect(await post(`${id}/nodes`, { ...body, parent: 'node_9' })).toEqual(
    failure(404, 'NOT_FOUND', 'There is no node node_9'),
  )
})

test('a branch pins its node alone, and adds the steps for it', async () => {
  const id = await after(...oneStep, proposed(2), finished(2), stopped)
  expect(await post(`${id}/nodes/node_1/pin`)).toMatchObject({
    body: { data: { id: 'node_1', isPinned: true } },
  })
  expect(await post(`${id}/nodes/node_2/branch`, { steps: 4 })).toMatchObject({
    status: 200,
    body: { data: { id: 'node_2', step: 2, isPinned: true, metric: { value: 0.5 } } },
  })
  const { body } = await answer(await app.fetch(`/api/experiments/${id}/results`))
  const { data } = body as { data: { journal: { nodes: object[] }; config: object } }
  expect(data.config).toMatchObject({ steps: 7 })
  expect(data.journal.nodes).toMatchObject([{ isPinned: false }, { isPinned: true }])
  expect(await post(`${id}/nodes/node_1/branch`)).toMatchObject({ status: 200 })
})

test('only what has a score is branched from or pinned', async () => {
  const id = await after(...oneStep, proposed(2))
  const message = 'node_2 has no score: only good nodes are pinned'
  for (const verb of ['pin', 'branch']) {
    expect(await post(`${id}/nodes/node_2/${verb}`)).toEqual(failure(409, 'CONFLICT', message))
    expect(await post(`${id}/nodes/node_9/${verb}`)).toEqual(
      failure(404, 'NOT_FOUND', 'There is no node node_9'),
    )
  }
})

test('pruned nodes come back, and a waiting one is approved with another program', async () => {
  const id = await after(...oneStep, proposed(2, true))
  const node = { ...program, id: 'node_2' }
  const codes = [['prune', true] as const, ['restore', false] as const]
  for (const [verb, isPruned] of codes) {
    expect(await post(`${id}/nodes/node_2/${verb}`)).toMatchObject({
      body: { data: { ...node, isPruned } },
    })
  }
  expect(await post(`${id}/nodes/node_2/approve`, { code: 'print(2)' })).toMatchObject({
    status: 200,
    body: { data: { ...node, code: 'print(2)', state: 'ready' } },
  })
  expect(await post(`${id}/nodes/node_2/approve`)).toEqual(
    failure(409, 'CONFLICT', 'node_2 does not wait for approval'),
  )
})

test('pausing, instructing and extending answer the experiment', async () => {
  const id = await after(...oneStep)
  const now = { isPaused: false, instructions: [] as string[], steps: 3 }
  const steps: [string, object | undefined, object][] = [
    ['pause', undefined, { ...now, isPaused: true }],
    ['resume', undefined, now],
    ['instructions', { text: 'Try trees' }, { ...now, instructions: ['Try trees'] }],
    ['extend', { steps: 2 }, { ...now, instructions: ['Try trees'], steps: 5 }],
  ]
  for (const [verb, body, data] of steps) {
    expect(await post(`${id}/${verb}`, body)).toMatchObject({ status: 200, body: { data } })
  }
  expect(await post(`${id}/resume`)).toEqual(
    failure(409, 'CONFLICT', 'The experiment is not paused'),
  )
})

test.each([
  ['nodes', {}, 'body.code'],
  ['nodes', { code: '' }, 'body.code'],
  ['nodes', { code: 'x', parent: '1' }, 'body.parent'],
  ['nodes/node_1/branch', { steps: 0 }, 'body.steps'],
  ['extend', {}, 'body.steps'],
  ['instructions', { text: ' ' }, 'body.text'],
])('%s refuses %j with the place of it', async (path, body, place) => {
  const { status, body: said } = await post(`${await after(...oneStep)}/${path}`, body)
  const { error } = said as { error: { code: string; details: { issues: { path: string }[] } } }
  expect([status, error.code, error.details.issues[0]?.path]).toEqual([
    422,
    'VALIDATION_ERROR',
    place,
  ])
})
