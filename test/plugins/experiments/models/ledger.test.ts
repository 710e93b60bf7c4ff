/** Every call is written down with what it cost, and adds up to the budgets. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { budgetEnd } from '../../../../plugins/experiments/models/budget.ts'
import { type ModelServer, type Said, startModelServer } from './model-server.ts'
import { filed, openRig, question, type Rig } from './rig.ts'

let say: () => Said
let server: ModelServer
let rig: Rig

beforeAll(async () => {
  server = startModelServer(() => say())
  rig = await openRig(server.env)
})

afterAll(async () => {
  await rig?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

const tool = { name: 'submit_review', description: 'Submits.', schema: { type: 'object' } }

test('calls are listed in the order in which they were made', async () => {
  const experimentId = await rig.another()
  const first = Date.now()
  say = () => ({ text: 'A program.' })
  const { call } = await rig.models.ask(question(rig, { experimentId }), null)
  say = () => Response.json({ error: { message: 'Too long' } }, { status: 413 })
  await rig.models
    .ask(question(rig, { experimentId, step: 2, operator: 'improve' }), null)
    .catch(() => undefined)
  say = () => ({ tool: 'submit_review', input: { metric: 0.5 } })
  const settings = { model: 'ollama/x' }
  const review = { step: 2, operator: 'review', role: 'review', settings, tool } as const
  await rig.models.ask(question(rig, { experimentId, ...review }), null)

  const list = await rig.ledger.list(experimentId)
  const common = { prompt: 'Write a program.', error: null, tool: null }
  expect(await filed(rig, experimentId)).toEqual([
    {
      ...common,
      ...{ step: 1, operator: 'draft', role: 'code', model: 'gpt-4.1', reply: 'A program.' },
      ...{ inputTokens: 100, outputTokens: 50, usd: 0.0006 },
    },
    {
      ...common,
      ...{ step: 2, operator: 'improve', role: 'code', model: 'gpt-4.1', reply: '' },
      ...{ inputTokens: null, outputTokens: null, usd: null, error: '413 Too long' },
    },
    {
      ...common,
      ...{ step: 2, operator: 'review', role: 'review', model: 'ollama/x', reply: '' },
      ...{ tool: '{"metric":0.5}', inputTokens: 100, outputTokens: 50, usd: 0 },
    },
  ])
  expect(list[0]?.id).toBe(call)
  expect(list.map(({ at }) => at)).toEqual([1, 2, 3].map(() => rig.clock.now()))
  const took = list.map(({ latencyMs }) => latencyMs ?? -1)
  expect(Math.min(...took)).toBeGreaterThan(0)
  expect(Math.max(...took)).toBeLessThan(Date.now() - first + 1)
  expect(await rig.ledger.spent(experimentId)).toEqual({ calls: 3, tokens: 300, usd: 0.0006 })
})

test('tokens are estimated where the server does not tell', async () => {
  const experimentId = await rig.another()
  say = () => ({ text: 'x'.repeat(400), withoutUsage: true })
  const settings = { model: 'mine', usdPerMillion: { input: 1_000, output: 10_000 } }
  const asked = question(rig, { experimentId, settings, prompt: 'y'.repeat(40) })
  await rig.models.ask(asked, null)
  const spent = await rig.ledger.spent(experimentId)
  expect(spent).toEqual({ calls: 1, tokens: 110, usd: expect.closeTo(1.01, 9) })
})

test('the words of a model that was to use a tool have a price too', async () => {
  const experimentId = await rig.another()
  say = () => ({ text: 'The metric is 0.5.' })
  await rig.models.ask(question(rig, { experimentId, tool }), null)
  expect(await rig.ledger.spent(experimentId)).toEqual({ calls: 1, tokens: 150, usd: 0.0006 })
})

test('nothing is spent by an experiment that asked nobody', async () => {
  expect(await rig.ledger.spent(await rig.another())).toEqual({ calls: 0, tokens: 0, usd: 0 })
})

describe('budgets', () => {
  const spent = { calls: 3, tokens: 1000, usd: 0.5 }

  test.each([
    [{}, 1e9, null],
    [{ seconds: 60 }, 59.9, null],
    [{ seconds: 60 }, 60, 'Its budget of 60 seconds is used up.'],
    [{ tokens: 1001 }, 0, null],
    [{ tokens: 1000 }, 0, 'Its budget of 1000 tokens is used up: 1000 were needed.'],
    [{ usd: 0.51 }, 0, null],
    [{ usd: 0.4 }, 0, 'Its budget of 0.4 USD is used up: 0.5000 were spent.'],
    [{ usd: 1, tokens: 10, seconds: 90 }, 1, expect.stringContaining('tokens')],
  ])('%o after %d s', (budget, elapsedS, end) => {
    expect(budgetEnd(budget, elapsedS, spent)).toEqual(end)
  })
})
