/** Events of a journal become the document's messages, in order, each with a cursor of its own. */
import { expect, test } from 'bun:test'
import type { LiveMessage } from '../../../../src/sdk.ts'
import type { JournalEvent, StoredEvent } from '../../../../plugins/experiments/journal/events.ts'
import {
  cursorAfter,
  experimentChannel,
  replayOf,
  type Watched,
} from '../../../../plugins/experiments/live.ts'
import { ExperimentSettings } from '../../../../plugins/experiments/settings.ts'
import { Value } from '@sinclair/typebox/value'
import { nodeAt } from '../tree/sample.ts'

const at = Date.UTC(2026, 0, 1)
const asked = { proposer: 'auto', policy: 'greedy', models: { code: { model: 'gpt-4.1' } } }
const settings = Value.Default(ExperimentSettings, asked) as Watched['settings']
const experiment: Watched = { id: 'exp_1', name: 'Houses', settings, createdAt: at }

const events = (...given: JournalEvent[]): StoredEvent[] =>
  given.map((event, i) => ({ seq: i + 1, at: at + 1000 * i, event }))

const proposed = (step: number): JournalEvent => ({
  type: 'proposed',
  node: `node_${step}`,
  step,
  parents: [],
  stage: 'draft',
  plan: 'A plan',
  code: 'print(1)',
  author: 'built-in',
  calls: [],
  needsApproval: false,
})

const finished = (step: number, metric: number | null): JournalEvent => {
  const { run, verdict } = nodeAt(step, null, 'draft', metric)
  if (!run || !verdict) throw new Error('The sample has finished')
  return { type: 'finished', node: `node_${step}`, run, verdict }
}

const journal = events(
  { type: 'started' },
  { type: 'directed', maximize: false },
  proposed(1),
  finished(1, 0.5),
  proposed(2),
  finished(2, null),
  {
    type: 'completed',
    final: {
      best: 'node_1',
      finalists: [],
      isWithinNoise: false,
      explanation: 'The only one that ran.',
      report: null,
    },
  },
)

interface Sent {
  readonly type: string
  readonly data: Record<string, unknown>
}

const sent = (messages: readonly LiveMessage[]): Sent[] => messages.map(({ data }) => data as Sent)

test('tells a whole experiment in the words of the document', () => {
  const messages = replayOf(experiment, 2, journal, 0)
  expect(sent(messages).map(({ type }) => type)).toEqual([
    'config_update',
    'progress',
    'config_update',
    'node_update',
    'step_complete',
    'progress',
    'node_update',
    'step_complete',
    'progress',
    'experiment_complete',
  ])
  const progress = sent(messages).filter(({ type }) => type === 'progress')
  expect(progress.map(({ data }) => [data['currentStep'], data['progress']])).toEqual([
    [0, 0],
    [1, 0.5],
    [2, 1],
  ])
  expect(progress[1]?.data).toEqual({
    experimentId: 'exp_1',
    currentStep: 1,
    totalSteps: 2,
    progress: 0.5,
    status: 'running',
    bestNodeId: 'node_1',
    bestMetric: { value: 0.5, maximize: false },
    seq: 33,
  })
})

test('a buggy node is a step like others, and never an error', () => {
  const steps = sent(replayOf(experiment, 2, journal, 0)).filter(
    ({ type }) => type === 'step_complete',
  )
  expect(steps.map(({ data }) => data['step'])).toEqual([1, 2])
  expect(steps[1]?.data['node']).toMatchObject({
    id: 'node_2',
    isBuggy: true,
    metric: { value: null, maximize: false },
    excType: 'ValueError',
    excInfo: { message: 'Input contains NaN', args: ['Input contains NaN'] },
    termOut: ['validation of 2\n'],
    execTime: 2.5,
  })
})

test('the end carries what the document names and what its front end waits for', () => {
  const { data } = sent(replayOf(experiment, 2, journal, 0)).at(-1) as Sent
  expect(data).toMatchObject({
    experimentId: 'exp_1',
    status: 'completed',
    bestMetric: { value: 0.5, maximize: false },
    totalTime: 6,
    completedAt: '2026-01-01T00:00:06Z',
    results: {
      bestSolution: { nodeId: 'node_1', code: 'print(1)' },
      journal: { isShortened: false, createdAt: '2026-01-01T00:00:00Z', totalTime: 6 },
      treeVisualization: '/api/experiments/exp_1/tree.html',
    },
  })
})

test('only the failure of the whole experiment is an error', () => {
  const failed: JournalEvent = { type: 'failed', error: 'TIMEOUT_ERROR', message: 'No model' }
  const story = events({ type: 'started' }, proposed(1), finished(1, null), failed)
  expect(sent(replayOf(experiment, 2, story, 0)).at(-1)).toEqual({
    type: 'error',
    data: {
      experimentId: 'exp_1',
      error: 'TIMEOUT_ERROR',
      message: 'No model',
      step: 1,
      details: {
        exception: 'ValueError: Input contains NaN',
        traceback: 'solution.py:7 in <module>',
      },
      seq: 32,
    },
  })
})

test('replay from any cursor is the rest of the whole, and cursors grow', () => {
  const all = replayOf(experiment, 2, journal, 0)
  const cursors = all.map(({ cursor }) => cursor)
  expect(cursors).toEqual([...new Set(cursors)].sort((a, b) => a - b))
  expect(sent(all).map(({ data }) => data['seq'] as number)).toEqual(cursors)
  for (const [i, cursor] of cursors.entries()) {
    expect(replayOf(experiment, 2, journal, cursor)).toEqual(all.slice(i + 1))
  }
  expect(replayOf(experiment, 2, journal, cursorAfter(journal.length))).toEqual([])
})

test('a very long experiment ends with a message that clients can take', () => {
  const many = Array.from({ length: 900 }, (_, i) => [
    { ...proposed(i + 1), code: 'x = 1\n'.repeat(2000) } as JournalEvent,
    finished(i + 1, 1 / (i + 1)),
  ]).flat()
  const end = journal.at(-1)?.event as JournalEvent
  const story = events({ type: 'started' }, { type: 'directed', maximize: false }, ...many, end)
  const last = replayOf(experiment, 900, story, cursorAfter(story.length - 1))
  expect(last.length).toBe(1)
  expect(JSON.stringify(last[0]?.data).length).toBeLessThan(1024 * 1024)
})

test('the channel greets, answers pings, and passes over what it does not know', async () => {
  const channel = experimentChannel({
    open: async (_who, id) => ({ id, status: 'running' }),
    replay: async function* () {},
    head: async () => 15,
  })
  const request = { params: { id: 'exp_1' }, query: new URLSearchParams(), who: null }
  const subscription = await channel.open(request)
  const replies: unknown[] = []
  for (const text of ['{"type":"ping"}', '{"type":"subscribe"}', '{"type":"x"}', 'null', '{']) {
    await subscription.message?.(text, (reply) => replies.push(reply))
  }
  expect({ hello: subscription.hello, replies }).toEqual({
    hello: {
      type: 'connection_established',
      data: { experimentId: 'exp_1', status: 'running', seq: 15 },
    },
    replies: [{ type: 'pong' }, { type: 'subscribed', data: { experimentId: 'exp_1' } }],
  })
})
