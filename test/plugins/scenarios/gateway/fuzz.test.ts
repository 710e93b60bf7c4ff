/** Whatever agents send, the gateway says what is wrong with it, and never falls over. */
import { expect, test } from 'bun:test'
import { Random } from '../../../../plugins/scenarios/random.ts'
import { type Offer, post } from './agent.ts'
import { agents, openDesk, origin } from './desk.ts'

const requests = 1_500

const words = [
  '',
  'x',
  'oracle',
  'refund',
  'customer_support',
  'T-1',
  '__proto__',
  '\u0000',
  '🙂',
  'é',
]
const numbers = [0, -1, 1, 0.5, 1e308, 2 ** 53, -0]

const anything = (random: Random, depth = 0): unknown => {
  switch (random.below(depth > 4 ? 4 : 7)) {
    case 0:
      return null
    case 1:
      return random.next() < 0.5
    case 2:
      return random.pick(numbers)
    case 3:
      return random.pick(words)
    case 4:
      return Array.from({ length: random.below(4) }, () => anything(random, depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [
          random.pick(words),
          anything(random, depth + 1),
        ]),
      )
  }
}

const wish = { scenario_id: 'customer_support', split: 'test', episode: 1, model: 'oracle' }
const call = { id: 'c', type: 'function', function: { name: 'refund', arguments: '{}' } }
const chat = {
  model: 'oracle',
  messages: [
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: 'c', content: 'Done' },
  ],
  tools: [{ type: 'function', function: { name: 'refund', parameters: {} } }],
  stream: false,
}

/** The same with something else in one place of it. */
const mutated = (random: Random, value: unknown): unknown => {
  if (random.next() < 0.3 || typeof value !== 'object' || value === null) return anything(random)
  const keys = Object.keys(value)
  const key = random.pick(keys.length === 0 ? ['x'] : keys)
  const inner = (value as Record<string, unknown>)[key]
  const changed = { ...value, [key]: mutated(random, inner) }
  return Array.isArray(value) ? Object.values(changed) : changed
}

const textOf = (random: Random, body: unknown): string => {
  const text = JSON.stringify(body) ?? ''
  if (random.next() < 0.9) return text
  return random.pick([text.slice(0, random.below(text.length + 1)), '[', '"', 'nul', '{}{}'])
}

test('no request brings it down', async () => {
  await using desk = await openDesk()
  const { send } = desk
  const { rollout_id: id } = await post<Offer>(send, `${agents}/rollouts`, {
    ...wish,
    rollout_id: 'fuzzed',
  })
  const paths: readonly (readonly [string, string, unknown])[] = [
    ['POST', '/rollouts', wish],
    ['GET', '/rollouts?limit=x', undefined],
    ['GET', `/rollouts/${id}`, undefined],
    ['POST', `/rollouts/${id}/tools/refund`, { ticket_id: 'T-1' }],
    ['POST', `/rollouts/${id}/tools/%F0`, {}],
    ['POST', `/rollouts/${id}/tools/__proto__`, {}],
    ['POST', `/rollouts/${id}/v1/chat/completions`, chat],
    ['GET', `/rollouts/${id}/v1/models`, undefined],
    ['POST', '/rollouts/nobody/end', undefined],
    ['POST', '/rollouts/%00/end', undefined],
    ['POST', '/next', {}],
  ]
  const seen = new Map<number, number>()
  for (let n = 0; n < requests; n++) {
    const random = new Random(n)
    const [method, path, sound] = random.pick(paths)
    const body = sound === undefined ? undefined : textOf(random, mutated(random, sound))
    const reply = await send(`${agents}${path}`, {
      method,
      ...(body !== undefined && method === 'POST' && { body }),
      headers: { 'content-type': random.pick(['application/json', 'text/plain', 'x/y']) },
    })
    const said = await reply.text()
    if (reply.status >= 500) throw new Error(`${n}: ${method} ${path} ${body}: ${said}`)
    seen.set(reply.status, (seen.get(reply.status) ?? 0) + 1)
    if (reply.status >= 400) {
      const { detail } = JSON.parse(said) as { detail?: unknown }
      expect(typeof detail).toBe('string')
    }
  }
  // It is no fuzz where everything is refused alike.
  expect([...seen.keys()].toSorted()).toEqual(expect.arrayContaining([200, 400, 404, 422]))
}, 60_000)

test('what is deep, long or endless is refused in words', async () => {
  await using desk = await openDesk()
  const { send } = desk
  const { base_url } = await post<Offer>(send, `${agents}/rollouts`, wish)
  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  const chatWith = (extra: string) =>
    `{"model":"m","messages":[{"role":"user","content":"x"}],"extra":${extra}}`
  const statusOf = async (url: string, body: string) =>
    (await send(url, { method: 'POST', body })).status
  const chats = `${base_url}/chat/completions`
  expect(await statusOf(chats, chatWith(deep(200_000)))).toBe(400)
  expect(await statusOf(chats, chatWith(`"${'x'.repeat(2 ** 20)}"`))).toBe(413)
  expect(await statusOf(chats, chatWith(deep(20)))).toBe(200)
  const tool = `${base_url.slice(0, -3)}/tools/refund`
  expect(await statusOf(tool, `{"ticket_id":${deep(200_000)}}`)).toBe(400)
  const episodes = `${origin}/api/scenarios/customer_support/episodes`
  for (const body of ['{"episodes":[]}', '{"limit":0}', '{"limit":1e9}', '{"any_version":7}']) {
    const headers = { 'content-type': 'application/json' }
    expect((await send(`${episodes}/rescore`, { method: 'POST', body, headers })).status).toBe(422)
  }
  for (const query of ['limit=0', 'limit=x', 'skip=-1', 'split=none', 'success=perhaps']) {
    expect((await send(`${episodes}?${query}`)).status).toBe(422)
  }
})
