/** What goes wrong between us and a model: tried again for a while, then said, never with a key. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Question } from '../../../../plugins/experiments/models/models.ts'
import { keys, type ModelServer, type Said, startModelServer } from './model-server.ts'
import { filed, modelsOf, openRig, question, type Rig } from './rig.ts'

let say: (index: number) => Said | Promise<Said>
let count: number
let server: ModelServer
let rig: Rig

beforeAll(async () => {
  server = startModelServer(() => say(count++))
  rig = await openRig(server.env)
})

afterAll(async () => {
  await rig?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

const fine: Said = { text: 'Here you are.' }
const refusal = (status: number, message: string, headers: Record<string, string> = {}) =>
  Response.json({ error: { message } }, { status, headers })

interface Outcome {
  readonly reply: string | null
  readonly error: unknown
  readonly asked: number
  readonly waitsMs: readonly number[]
  /** Of the ledger, in order. */
  readonly errors: readonly (string | null)[]
}

/** Asks as a server that was just started would. */
const ask = async (
  script: typeof say,
  more: Partial<Question> = {},
  env: Readonly<Record<string, string>> = server.env,
): Promise<Outcome> => {
  say = script
  count = 0
  const experimentId = await rig.another()
  const before = rig.clock.waitsMs.length
  const told = { ...question(rig), experimentId, ...more }
  const outcome = await modelsOf(rig, env)
    .ask(told, null)
    .then(({ text }) => ({ reply: text, error: null }))
    .catch(({ code, message }: { code: string; message: string }) => ({
      reply: null,
      error: { code, message },
    }))
  const calls = await filed(rig, experimentId)
  return {
    ...outcome,
    asked: count,
    waitsMs: rig.clock.waitsMs.slice(before),
    errors: calls.map(({ error }) => error),
  }
}

describe('what passes', () => {
  test('429 is waited out as long as the server says', async () => {
    const outcome = await ask((i) =>
      i === 0 ? refusal(429, 'Slow down', { 'retry-after': '7' }) : fine,
    )
    expect(outcome).toEqual({
      reply: 'Here you are.',
      error: null,
      asked: 2,
      waitsMs: [7_000],
      errors: ['429 Slow down', null],
    })
  })

  test('but no longer than a minute, and a date is understood', async () => {
    const dates = [
      new Date(rig.clock.now() + 3_600_000).toUTCString(),
      new Date(rig.clock.now() + 12_000).toUTCString(),
      new Date(rig.clock.now() - 12_000).toUTCString(),
      'soon',
    ]
    const { waitsMs, reply } = await ask((i) =>
      i < 4 ? refusal(429, 'Slow down', { 'retry-after': dates[i]! }) : fine,
    )
    expect({ waitsMs, reply }).toEqual({
      waitsMs: [60_000, 12_000, 8_000],
      reply: 'Here you are.',
    })
  })

  test.each([
    ['500', () => refusal(500, 'Oops'), '500 Oops'],
    ['503 of a proxy', () => new Response('<html>', { status: 503 }), '503 Service Unavailable'],
    ['an answer that is no JSON', () => new Response('{"choices": [', json), '200 Invalid JSON'],
    ['JSON of another kind', () => Response.json({ hello: 1 }), '200 Invalid JSON'],
    ['no choices', () => Response.json({ choices: [] }), 'Response did not contain any choices'],
  ])('%s is asked again', async (_name, broken, error) => {
    expect(await ask((i) => (i === 0 ? broken() : fine))).toEqual({
      reply: 'Here you are.',
      error: null,
      asked: 2,
      waitsMs: [1_000],
      errors: [expect.stringContaining(error), null],
    })
  })
})

const json = { headers: { 'content-type': 'application/json' } }

describe('what does not', () => {
  test('500 for ever ends after five tries', async () => {
    expect(await ask(() => refusal(500, 'Oops'))).toEqual({
      reply: null,
      error: { code: 'TIMEOUT_ERROR', message: 'openai gives no answer: 500 Oops' },
      asked: 5,
      waitsMs: [1_000, 2_000, 4_000, 8_000],
      errors: Array.from({ length: 5 }, () => '500 Oops'),
    })
  })

  test.each([429, 529])('%d for ever ends after ten tries', async (status) => {
    const { error, asked, waitsMs } = await ask(() => refusal(status, 'Busy'))
    expect({ error, asked, waitsMs }).toEqual({
      error: { code: 'TIMEOUT_ERROR', message: `openai gives no answer: ${status} Busy` },
      asked: 10,
      waitsMs: [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1000),
    })
  })

  test('an account without money is not waited for', async () => {
    const message = 'You exceeded your current quota'
    const poor = () =>
      Response.json({ error: { message, code: 'insufficient_quota' } }, { status: 429 })
    const { error, asked } = await ask(poor)
    expect({ error, asked }).toEqual({
      error: { code: 'EXECUTION_ERROR', message: `openai: 429 ${message}` },
      asked: 1,
    })
  })

  test('nobody at the address', async () => {
    const gone = startModelServer(() => fine)
    await gone[Symbol.asyncDispose]()
    const { error, errors } = await ask(() => fine, {}, gone.env)
    expect(error).toEqual({
      code: 'TIMEOUT_ERROR',
      message: expect.stringMatching(/^openai gives no answer: Cannot connect to API/),
    })
    expect(errors).toHaveLength(5)
  })

  test('a server that never answers is left after ten minutes, twice', async () => {
    const asked = Array.from({ length: 2 }, () => Promise.withResolvers<void>())
    const outcome = ask((i) => {
      asked[i]?.resolve()
      return new Promise<Said>(() => undefined)
    })
    for (const { promise } of asked) {
      await promise
      rig.clock.advance(600_000)
    }
    expect(await outcome).toEqual({
      reply: null,
      error: { code: 'TIMEOUT_ERROR', message: 'openai gives no answer: none within 600 seconds' },
      asked: 2,
      waitsMs: [1_000],
      errors: Array.from({ length: 2 }, () => 'none within 600 seconds'),
    })
  })

  test.each([
    ['gpt-4.1', 401, 'Incorrect API key provided: sk-proj-op***6789', 'openai'],
    ['claude-sonnet-4-5', 401, 'invalid x-api-key', 'anthropic'],
    ['gemini-2.5-pro', 400, 'API key not valid. Please pass a valid API key.', 'gemini'],
    ['gpt-4.1', 403, `No access for ${keys.openai}`, 'openai'],
  ])('a wrong key of %s (%d %s) is not tried again', async (model, status, message, provider) => {
    const outcome = await ask(() => refusal(status, message), { settings: { model } })
    const clean = message.replace(/sk-proj[^ ]*/, '…')
    expect(outcome).toEqual({
      reply: null,
      error: {
        code: 'API_KEY_INVALID',
        message: `${provider} refuses the key: ${status} ${clean}`,
      },
      asked: 1,
      waitsMs: [],
      errors: [`${status} ${clean}`],
    })
  })

  test('a model that the provider does not have', async () => {
    const { error, asked } = await ask(() => refusal(404, 'The model `gpt-4.1` does not exist'))
    expect({ error, asked }).toEqual({
      error: {
        code: 'EXECUTION_ERROR',
        message: 'openai: 404 The model `gpt-4.1` does not exist',
      },
      asked: 1,
    })
  })

  test('a model that nobody has who is set', async () => {
    const { error, asked } = await ask(
      () => fine,
      { settings: { model: 'claude-sonnet-4-5' } },
      { OPENAI_API_KEY: keys.openai },
    )
    expect({ error, asked }).toEqual({
      error: { code: 'EXECUTION_ERROR', message: 'No provider is set for claude-sonnet-4-5' },
      asked: 0,
    })
  })

  test('a key goes nowhere but to its address', async () => {
    const elsewhere = startModelServer(() => fine)
    await using _ = elsewhere
    const moved = () => Response.redirect(`${elsewhere.origin}/v1/chat/completions`, 307)
    const { error } = await ask(moved)
    expect(error).toMatchObject({ code: 'TIMEOUT_ERROR' })
    expect(elsewhere.asked).toEqual([])
  })
})

describe('what a model refuses', () => {
  const tool = { name: 'submit_review', description: 'Submits.', schema: { type: 'object' } }
  const sent = () => server.asked.slice(-count).map(({ temperature, tool: t }) => [temperature, t])

  test('it is asked without, once and for all', async () => {
    const models = modelsOf(rig, server.env)
    count = 0
    say = (i) => {
      if (i === 0) return refusal(400, "Unsupported value: 'temperature' does not support 0.5")
      if (i === 1) return refusal(400, 'llama3.1 does not support tools')
      return fine
    }
    const ollama = question(rig, { settings: { model: 'ollama/x', temperature: 0.5 }, tool })
    await models.ask(ollama, null)
    await models.ask(ollama, null)
    expect(sent()).toEqual([
      [0.5, 'submit_review'],
      [null, 'submit_review'],
      [null, null],
      [null, null],
    ])
  })

  test('two calls that are refused at once are both asked again', async () => {
    const models = modelsOf(rig, server.env)
    const both = Promise.withResolvers<void>()
    count = 0
    say = async (i) => {
      if (i === 1) both.resolve()
      await both.promise
      return i < 2 ? refusal(400, 'temperature is not supported') : fine
    }
    const replies = await Promise.all([1, 2].map(() => models.ask(question(rig), null)))
    expect(replies.map(({ text }) => text)).toEqual(['Here you are.', 'Here you are.'])
    expect(sent().map(([temperature]) => temperature)).toEqual([0.5, 0.5, null, null])
  })

  test('what was not sent cannot be refused: nothing goes round in circles', async () => {
    const settings = { model: 'gpt-4.1', temperature: null }
    const { error, asked } = await ask(() => refusal(400, 'temperature is a mystery'), { settings })
    expect({ error, asked }).toEqual({
      error: { code: 'EXECUTION_ERROR', message: 'openai: 400 temperature is a mystery' },
      asked: 1,
    })
  })

  test.each([
    ['gpt-4.1', { max_tokens: 100 }],
    ['o4-mini', { max_completion_tokens: 100 }],
  ])('%s knows the limit of a reply as %o', async (model, limit) => {
    await ask(() => fine, { settings: { model, maxTokens: 100 } })
    const { max_tokens, max_completion_tokens } = server.asked.at(-1)!.body
    expect(JSON.parse(JSON.stringify({ max_tokens, max_completion_tokens }))).toEqual(limit)
  })
})

describe('cancelling', () => {
  test('ends a call that is under way, and is in the ledger', async () => {
    const abort = new AbortController()
    const outcome = await ask(
      () => {
        abort.abort()
        return new Promise<Said>(() => undefined)
      },
      { signal: abort.signal },
    )
    expect(outcome).toEqual({
      reply: null,
      error: { code: 'EXECUTION_ERROR', message: 'The call was cancelled' },
      asked: 1,
      waitsMs: [],
      errors: ['cancelled'],
    })
  })
})
