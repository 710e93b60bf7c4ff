/** Language models upstream: asked within bounds, recorded, and no key of anybody's is told. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import OpenAI from 'openai'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { Rollout } from '../../../../plugins/scenarios/gateway/rollout.ts'
import { upstreamModel } from '../../../../plugins/scenarios/gateway/upstream.ts'
import { sql } from '../../../../src/sdk.ts'
import { type Offer, post, type Send } from './agent.ts'
import { agents, openDesk, origin } from './desk.ts'

const secret = 'sk-of-the-owner-and-nobody-else'

interface Asked {
  readonly authorization: string | null
  readonly body: Record<string, unknown>
}
let asked: Asked[] = []
let answer: (body: Record<string, unknown>) => Response = () => new Response()

const upstream = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    const body = (await request.json()) as Record<string, unknown>
    asked.push({ authorization: request.headers.get('authorization'), body })
    return answer(body)
  },
})

const before = process.env['OPENAI_BASE_URL']
beforeAll(() => {
  process.env['OPENAI_BASE_URL'] = `http://127.0.0.1:${upstream.port}/v1/`
})
afterAll(async () => {
  if (before === undefined) delete process.env['OPENAI_BASE_URL']
  else process.env['OPENAI_BASE_URL'] = before
  await upstream.stop(true)
})
beforeEach(() => {
  asked = []
})

const completion = (message: object, finish_reason: string) =>
  Response.json({
    id: 'chatcmpl-upstream',
    object: 'chat.completion',
    created: 1,
    model: 'small-2026',
    system_fingerprint: 'fp',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
    usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
  })

const begin = (send: Send) =>
  post<Offer>(send, `${agents}/rollouts`, {
    scenario_id: 'customer_support',
    rollout_id: 'r',
    model: 'small',
  })

const giveKey = (send: Send) =>
  send(`${origin}/api/settings`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ openaiKey: secret }),
  })

/** The client, with the test's kernel for a network. */
const clientOf = (send: Send, offer: Offer) =>
  new OpenAI({
    baseURL: offer.base_url,
    apiKey: 'none',
    maxRetries: 0,
    fetch: (url, init) => send(String(url), init as RequestInit),
  })

const said: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Begin.' }]

test('what is asked goes on as it is, with the key of the owner; both are recorded', async () => {
  await using desk = await openDesk()
  const { send, plugin } = desk
  await giveKey(send)
  const offer = await begin(send)
  const call = { name: 'search_kb', arguments: '{"ticket_id":"T-1"}' }
  const calls = [{ id: 'call_1', type: 'function', function: call }]
  answer = () => completion({ content: null, tool_calls: calls }, 'tool_calls')
  const reply = await clientOf(send, offer).chat.completions.create({
    model: 'whatever',
    messages: said,
    tools: offer.tools as OpenAI.ChatCompletionTool[],
    temperature: 0.3,
  })
  expect(reply).toMatchObject({
    id: 'chatcmpl-upstream',
    usage: { total_tokens: 10 },
    choices: [{ finish_reason: 'tool_calls', message: { tool_calls: calls } }],
  } as never)
  expect(asked).toEqual([
    {
      authorization: `Bearer ${secret}`,
      body: { model: 'small', messages: said, tools: offer.tools, temperature: 0.3 } as never,
    },
  ])
  const shown = await (await send(`${agents}/rollouts/r`)).text()
  const { player, events } = JSON.parse(shown) as { player: string; events: object[] }
  expect({ player, events }).toMatchObject({
    player: 'small',
    events: [
      {
        type: 'chat',
        model: 'small',
        kept: 0,
        messages: said,
        parameters: { temperature: 0.3 },
        answer: { role: 'assistant', content: null, tool_calls: calls },
      },
    ],
  } as never)
  const rows = await plugin.db.rows(sql`select * from scenarios_rollout_event`)
  expect(`${shown}${JSON.stringify(rows)}`).not.toContain(secret)
})

test('streams are streamed, whatever upstream does', async () => {
  await using desk = await openDesk()
  const offer = await begin(desk.send)
  answer = () => completion({ content: 'I give up.' }, 'stop')
  const stream = await clientOf(desk.send, offer).chat.completions.create({
    model: 'x',
    messages: said,
    stream: true,
    stream_options: { include_usage: true },
  })
  const pieces: OpenAI.ChatCompletionChunk[] = []
  for await (const piece of stream) pieces.push(piece)
  expect(pieces.map(({ choices }) => choices[0]?.delta.content ?? null)).toEqual([
    'I give up.',
    null,
    null,
  ])
  expect(pieces.map(({ choices }) => choices[0]?.finish_reason ?? null)).toEqual([
    null,
    'stop',
    null,
  ])
  expect(pieces.at(-1)?.usage?.total_tokens).toBe(10)
  expect(asked[0]?.body).toEqual({ model: 'small', messages: said } as never)
})

const failing =
  (status: number, message: string, headers = {}) =>
  () =>
    Response.json({ error: { message, type: 'x', code: 'y' } }, { status, headers })

test.each([
  ['is busy', failing(429, 'Slow down', { 'retry-after': '7' }), 429, 'Upstream: Slow down'],
  ['knows no such model', failing(404, 'No small here'), 404, 'Upstream: No small here'],
  [
    'refuses the key and repeats it',
    failing(401, `Wrong key ${secret}`),
    502,
    'The model upstream refuses the key that the server has for it',
  ],
  ['tells the key otherwise', failing(400, `Bad ${secret}`), 400, 'Upstream: Bad ***'],
  ['falls over', failing(500, 'Oh no'), 502, 'Upstream: Oh no'],
  [
    'answers nonsense',
    () => new Response('<html>'),
    502,
    'The model upstream answered something that is no completion',
  ],
  [
    'never stops',
    () => new Response('x'.repeat(5 * 2 ** 20)),
    502,
    'The model upstream says too much',
  ],
  [
    'sends elsewhere',
    () => new Response(null, { status: 307, headers: { location: '/elsewhere' } }),
    502,
    'The model upstream cannot be reached',
  ],
])('an upstream that %s is an error of OpenAI’s kind', async (_, answers, status, message) => {
  await using desk = await openDesk()
  const { send } = desk
  await giveKey(send)
  const offer = await begin(send)
  answer = answers
  const failed = await clientOf(send, offer)
    .chat.completions.create({ model: 'x', messages: said })
    .then(
      () => null,
      (error: unknown) => error as InstanceType<typeof OpenAI.APIError>,
    )
  expect({ status: failed?.status, error: failed?.error }).toEqual({
    status,
    error: { message, type: expect.any(String), param: null, code: 'upstream_error' } as never,
  })
  expect(failed?.headers?.get('retry-after') ?? null).toBe(status === 429 ? '7' : null)
  // Nothing was answered, so nothing is recorded, and the rollout goes on.
  const shown = (await (await send(`${agents}/rollouts/r`)).json()) as object
  expect(shown).toMatchObject({ status: 'running', events: [] })
})

test('an upstream that never answers is given up', async () => {
  const address = { baseUrl: `http://127.0.0.1:${upstream.port}`, apiKey: '' }
  answer = () => new Response(new ReadableStream({ start() {} }))
  const desk = scenarioOf('customer_support')
  if (!desk) throw new Error('There is no desk')
  const order = { id: 'r', split: 'train', episode: 0, model: 'm', sampleSeed: null } as const
  const asked = upstreamModel(address, 'm', 50).answer(
    { model: 'm', messages: [{ role: 'user', content: 'Begin.' }] },
    Rollout.begin(desk, order),
  )
  expect(await Promise.resolve(asked).catch((error: unknown) => error)).toMatchObject({
    name: 'UpstreamError',
  })
})

test('without a language model set, names of such are refused', async () => {
  const address = process.env['OPENAI_BASE_URL']
  delete process.env['OPENAI_BASE_URL']
  try {
    await using desk = await openDesk()
    const reply = await desk.send(`${agents}/rollouts`, {
      method: 'POST',
      body: JSON.stringify({ scenario_id: 'customer_support', model: 'small' }),
    })
    expect({ status: reply.status, ...((await reply.json()) as object) }).toMatchObject({
      status: 409,
      detail: expect.stringContaining('no language model is set: OPENAI_BASE_URL') as never,
    })
  } finally {
    process.env['OPENAI_BASE_URL'] = address
  }
})
