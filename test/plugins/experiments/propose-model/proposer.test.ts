/** Programs, reviews and reports of a model that says what it is told: bounded, and by role. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createModelProposer } from '../../../../plugins/experiments/propose/model/proposer.ts'
import type { ExperimentSettings } from '../../../../plugins/experiments/settings.ts'
import {
  type Asked,
  type ModelServer,
  type Said,
  startModelServer,
} from '../models/model-server.ts'
import { modelsOf, openRig, type Rig } from '../models/rig.ts'
import { contextOf, nodeOf, runOf } from './context.ts'

let say: (asked: Asked, index: number) => Said
let count = 0
let server: ModelServer
let rig: Rig

beforeAll(async () => {
  server = startModelServer((asked) => say(asked, count++))
  rig = await openRig(server.env)
})

beforeEach(() => {
  count = 0
})

afterAll(async () => {
  await rig?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

type Settings = Pick<ExperimentSettings, 'models' | 'budget'>

const proposer = (settings: Partial<Settings> = {}, env = server.env) =>
  createModelProposer({
    models: modelsOf(rig, env),
    settings: { models: {}, budget: {}, ...settings },
    recording: null,
  })

const askedModels = () => server.asked.slice(-count).map(({ model }) => model)

const program = { text: 'A forest.\n```python\nprint(1)\n```' }

describe('a program', () => {
  test('a reply without one is asked for again', async () => {
    say = (_asked, index) => (index < 2 ? { text: 'I have no idea.' } : program)
    const { calls, ...rest } = await proposer().propose(
      { kind: 'draft' },
      contextOf(rig.experimentId),
    )
    expect(rest).toEqual({ plan: 'A forest.', code: 'print(1)\n', author: 'gpt-4.1' })
    const filed = (await rig.ledger.list(rig.experimentId)).slice(-3)
    expect(calls).toEqual(filed.map(({ id }) => id))
  })

  test.each(['I have no idea.', '', '```\nNothing to see\n```'])(
    'three times %p is enough',
    async (text) => {
      say = () => ({ text })
      const found = await proposer().propose({ kind: 'draft' }, contextOf(rig.experimentId))
      expect(found).toEqual({
        plan: text,
        code: '',
        problem: 'No program could be read out of 3 replies',
        author: 'gpt-4.1',
        calls: [1, 2, 3].map(() => expect.stringMatching(/^call_/)),
      })
      expect(count).toBe(3)
    },
  )
})

describe('a review', () => {
  const reviewed = async () => {
    const context = contextOf(rig.experimentId)
    const { calls, ...rest } = await proposer().review(nodeOf({}), runOf('metric: 0.5'), context)
    return { ...rest, asked: calls.length }
  }
  const said = (metric: unknown) => ({ is_bug: false, summary: 's', metric, lower_is_better: true })
  const read = { isBug: false, summary: 's', lowerIsBetter: true }

  test('that cannot be read is asked for again', async () => {
    say = (_asked, index) =>
      index === 0
        ? { text: 'I would rather not say.' }
        : { tool: 'submit_review', input: said(0.5) }
    expect(await reviewed()).toEqual({ ...read, metric: 0.5, asked: 2 })
  })

  test('that never can be read is none', async () => {
    say = () => ({ text: 'I would rather not say.' })
    expect(await reviewed()).toEqual({
      isBug: false,
      summary: '',
      metric: null,
      lowerIsBetter: null,
      problem: 'No review could be read out of 3 replies',
      asked: 3,
    })
  })

  test('that hands over what is no JSON is read all the same', async () => {
    const input = '{"is_bug": false, "summary": "s", "metric": NaN, "lower_is_better": true}'
    say = () => ({ tool: 'submit_review', input })
    expect(await reviewed()).toEqual({ ...read, metric: Number.NaN, asked: 1 })
  })

  test('in plain words', async () => {
    say = () => ({ text: 'The metric is 0.5, lower is better.' })
    const summary = 'The metric is 0.5, lower is better.'
    expect(await reviewed()).toEqual({ ...read, summary, metric: 0.5, asked: 1 })
  })

  test('by a tool that nobody offered, in words', async () => {
    say = () => ({ tool: 'another', input: said(0.5) })
    expect(await reviewed()).toMatchObject({ metric: null, asked: 3 })
  })
})

describe('a report', () => {
  const report = () => proposer().report!(contextOf(rig.experimentId), nodeOf({}))

  test('is what the model wrote', async () => {
    say = () => ({ text: '# Report' })
    expect(await report()).toBe('# Report')
  })

  test('that is empty is none', async () => {
    say = () => ({ text: ' \n' })
    expect(await report()).toBeNull()
  })

  test('that cannot be had fails nothing: the facts are reported', async () => {
    say = () => Response.json({ error: { message: 'Oops' } }, { status: 401 })
    expect(await report()).toBeNull()
  })
})

describe('roles', () => {
  const ask = async (settings: Partial<Settings>, env = server.env) => {
    say = ({ tool }) => (tool ? { tool, input: { metric: 1 } } : program)
    const one = proposer(settings, env)
    const context = contextOf(rig.experimentId)
    await one.propose({ kind: 'draft' }, context)
    await one.review(nodeOf({}), runOf(''), context)
    await one.report!(context, null)
    return askedModels()
  }

  test('each has its model', async () => {
    const models = {
      code: { model: 'claude-sonnet-4-5' },
      review: { model: 'gemini-2.5-flash' },
      report: { model: 'ollama/qwen3' },
    }
    expect(await ask({ models })).toEqual(['claude-sonnet-4-5', 'gemini-2.5-flash', 'qwen3'])
  })

  test('one without takes that of the code', async () => {
    const models = { code: { model: 'gpt-4o' } }
    expect(await ask({ models })).toEqual(['gpt-4o', 'gpt-4o', 'gpt-4o'])
  })

  test('without any the first provider has its own', async () => {
    const { ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL } = server.env
    const env = { ANTHROPIC_API_KEY: ANTHROPIC_API_KEY!, ANTHROPIC_BASE_URL: ANTHROPIC_BASE_URL! }
    const cheap = 'claude-haiku-4-5'
    expect(await ask({}, env)).toEqual(['claude-sonnet-4-5', cheap, cheap])
  })

  test('a temperature of null is not sent, none is AIDE’s', async () => {
    await ask({ models: { code: { model: 'a', temperature: null }, review: { model: 'b' } } })
    const sent = server.asked.slice(-count).map(({ temperature }) => temperature)
    expect(sent).toEqual([null, 0.5, null])
  })
})

describe('refused before anything is asked', () => {
  const refusal = (settings: Partial<Settings>, env: Record<string, string>) => {
    try {
      proposer(settings, env)
      return null
    } catch (error) {
      const { code, message } = error as { code: string; message: string }
      return { code, message }
    }
  }
  const openai = { OPENAI_API_KEY: 'k' }
  const own = { OPENAI_BASE_URL: 'http://gpu/v1' }
  const budget = { usd: 1 }

  test('a model that nobody has', () => {
    const models = { code: { model: 'gpt-4.1' }, review: { model: 'claude-haiku-4-5' } }
    expect(refusal({ models }, openai)).toEqual({
      code: 'validation',
      message: 'body.models.review: No provider is set that has the model claude-haiku-4-5',
    })
  })

  test('a model of unknown price under a budget of money', () => {
    expect(refusal({ models: { code: { model: 'mine' } }, budget }, own)).toEqual({
      code: 'validation',
      message:
        'body.models.code: What mine costs is not known: give usdPerMillion, ' +
        'or no budget of money',
    })
  })

  test.each([
    ['whose price is given', { model: 'mine', usdPerMillion: { input: 0, output: 0 } }],
    ['whose price is listed', { model: 'gpt-4.1' }],
  ])('but not one %s', (_name, code) => {
    expect(refusal({ models: { code }, budget }, own)).toBeNull()
  })
})
