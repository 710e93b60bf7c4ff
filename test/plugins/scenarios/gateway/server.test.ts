/** The gateway of the server: kept in a table, owned, bounded, expiring. */
import { expect, test } from 'bun:test'
import { play } from '../../../../plugins/scenarios/episodes/play.ts'
import { idleMs, maxRunning } from '../../../../plugins/scenarios/gateway/rollout-table.ts'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { openDatabase } from '../../../../src/storage/open.ts'
import { type Offer, playByHand, post, type Send } from './agent.ts'
import { agents, openDesk, origin } from './desk.ts'

const scenario = scenarioOf('customer_support')
if (!scenario) throw new Error('There is no desk')

const wish = (episode: number, more: object = {}) => ({
  scenario_id: 'customer_support',
  split: 'test',
  episode,
  model: 'oracle',
  ...more,
})
const begin = (send: Send, episode: number, more: object = {}) =>
  post<Offer>(send, `${agents}/rollouts`, wish(episode, more))

const get = async <T = object>(send: Send, url: string): Promise<T> =>
  (await (await send(url)).json()) as T

const refusal = async (send: Send, url: string, body?: unknown) => {
  const init = { method: 'POST', body: JSON.stringify(body) }
  const reply = await send(url, body === undefined ? {} : init)
  const { detail } = (await reply.json()) as { detail: string }
  return { status: reply.status, detail }
}

test('fifty agents at once play as the oracle, and all of it is kept', async () => {
  await using desk = await openDesk()
  const { send } = desk
  const ended = await Promise.all(
    Array.from({ length: 50 }, async (_, episode) => {
      const offer = await begin(send, episode)
      await playByHand(send, offer)
      return post<{ success: boolean }>(send, `${agents}/rollouts/${offer.rollout_id}/end`)
    }),
  )
  expect(ended.filter(({ success }) => success)).toHaveLength(50)
  const url = `${origin}/api/scenarios/customer_support/episodes`
  const { total, episodes } = await get<{
    total: number
    episodes: { n: number; episode: number }[]
  }>(send, `${url}?source=gateway&limit=200`)
  expect({ total, seen: episodes.map(({ episode }) => episode).sort((a, b) => a - b) }).toEqual({
    total: 50,
    seen: Array.from({ length: 50 }, (_, i) => i),
  })
  const seventh = episodes.find(({ episode }) => episode === 7)
  const native = play(scenario, 'oracle', 'test', 7)
  expect(await get(send, `${url}/${seventh?.n}`)).toMatchObject({
    scenario: { id: 'customer_support', version: scenario.spec.version },
    split: 'test',
    episode: 7,
    seed: 2 * 2 ** 40 + 7,
    task: native.task,
    player: 'oracle',
    source: 'gateway',
    reward: native.reward,
    verdict: native.verdict,
    rubric: native.rubric,
    steps: native.steps.map(({ observation: _, ...step }) => step),
  })
})

test('asked twice with one id: the same rollout; with other settings: refused', async () => {
  await using desk = await openDesk()
  const { send } = desk
  const first = await begin(send, 1, { rollout_id: 'mine' })
  expect(await begin(send, 1, { rollout_id: 'mine' })).toEqual(first)
  expect(await refusal(send, `${agents}/rollouts`, wish(2, { rollout_id: 'mine' }))).toEqual({
    status: 409,
    detail: 'There is a rollout mine with other settings',
  })
  await playByHand(send, first)
  expect(await begin(send, 1, { rollout_id: 'mine' })).toEqual(first)
})

test('it goes on after the server went away, as if nothing had happened', async () => {
  const db = await openDatabase({ dataDir: ':memory:' })
  const before = await openDesk({ db })
  const offer = await begin(before.send, 4, { rollout_id: 'long' })
  const called = await post<{ choices: { message: { tool_calls: Call[] } }[] }>(
    before.send,
    `${offer.base_url}/chat/completions`,
    { model: 'x', messages: [{ role: 'user', content: offer.user }] },
  )
  const { name, arguments: given } = called.choices[0]?.message.tool_calls[0]?.function ?? nothing
  await post(before.send, `${agents}/rollouts/long/tools/${name}`, JSON.parse(given))
  await before.plugin.stop()

  await using after = await openDesk({ db })
  expect(await begin(after.send, 4, { rollout_id: 'long' })).toEqual(offer)
  await playByHand(after.send, offer)
  const { status, steps, verdict } = await get<Shown>(after.send, `${agents}/rollouts/long`)
  const native = play(scenario, 'oracle', 'test', 4)
  expect({ status, verdict, actions: steps.length }).toEqual({
    status: 'succeeded',
    verdict: native.verdict,
    actions: native.steps.length,
  } as never)
})

interface Call {
  readonly function: { readonly name: string; readonly arguments: string }
}
const nothing = { name: '', arguments: '{}' }
interface Shown {
  readonly status: string
  readonly steps: readonly object[]
  readonly verdict: object
  readonly reason: string | null
  readonly events: readonly { readonly type: string }[]
}

test('an agent that is gone has failed', async () => {
  await using desk = await openDesk()
  const { send, plugin } = desk
  const { rollout_id: id } = await begin(send, 1)
  plugin.clock.advance(idleMs - 120_000)
  await post(send, `${agents}/rollouts/${id}/tools/refund`, { ticket_id: 'another' })
  plugin.clock.advance(idleMs - 120_000)
  expect(await get<Shown>(send, `${agents}/rollouts/${id}`)).toMatchObject({ status: 'running' })
  plugin.clock.advance(240_000)
  const { status, reason, events } = await untilFailed(send, id)
  expect({ status, reason, events: events.map(({ type }) => type) }).toEqual({
    status: 'failed',
    reason: 'No call came for 10 minutes',
    events: ['tool', 'end'],
  })
})

const untilFailed = async (send: Send, id: string): Promise<Shown> => {
  for (let looks = 0; looks < 1000; looks++) {
    const shown = await get<Shown>(send, `${agents}/rollouts/${id}`)
    if (shown.status !== 'running') return shown
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('It is running for ever')
}

test("others' rollouts are not there, and nobody has endlessly many", async () => {
  await using desk = await openDesk({ auth: 'required' })
  const [ann, bob] = [await desk.as('ann'), await desk.as('bob')]
  const { rollout_id: id } = await begin(ann, 1)
  for (const path of ['', '/end', '/tools/refund', '/v1/chat/completions', '/v1/models']) {
    const body = path.includes('chat') ? { model: 'x', messages: [{ role: 'user' }] } : {}
    const isRead = path === '' || path === '/v1/models'
    const url = `${agents}/rollouts/${id}${path}`
    expect(await refusal(bob, url, isRead ? undefined : body)).toEqual({
      status: 404,
      detail: 'Rollout not found',
    })
  }
  await Promise.all(Array.from({ length: maxRunning }, (_, n) => begin(bob, n)))
  expect(await refusal(bob, `${agents}/rollouts`, wish(1))).toEqual({
    status: 429,
    detail: `${maxRunning} of your rollouts are running: end some of them first`,
  })
  await begin(ann, 2)
})

test.each([
  [{ scenario_id: 'nothing' }, 404, 'Scenario not found'],
  [{ scenario_id: 'catch' }, 409, 'Nothing is said in catch: no agent can play it in words'],
  [{ model: 'model_1_2' }, 404, 'Model not found'],
  [{ episode: -1 }, 422, 'body.episode: Expected integer to be greater or equal to 0'],
])('%p is refused', async (change, status, detail) => {
  await using desk = await openDesk()
  const asked = { ...wish(1), ...change }
  expect(await refusal(desk.send, `${agents}/rollouts`, asked)).toEqual({ status, detail })
})
