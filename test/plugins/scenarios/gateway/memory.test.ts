/** The gateway of a job: harnesses take rollouts, play them by the wire, and are judged. */
import { expect, test } from 'bun:test'
import { scenarios } from '../../../../plugins/scenarios/catalogue.ts'
import { play } from '../../../../plugins/scenarios/episodes/play.ts'
import { scriptedModel } from '../../../../plugins/scenarios/gateway/chat-model.ts'
import { answerGateway } from '../../../../plugins/scenarios/gateway/handler.ts'
import { MemoryGateway } from '../../../../plugins/scenarios/gateway/memory.ts'
import { Rollout } from '../../../../plugins/scenarios/gateway/rollout.ts'
import { type Offer, playByHand, post, type Send } from './agent.ts'

const spoken = scenarios.filter(({ conversation }) => conversation !== null)
const orderOf = (id: string, episode: number) => ({
  id,
  split: 'validation' as const,
  episode,
  model: 'player',
  sampleSeed: null,
})

const doorTo = (gateway: MemoryGateway): Send => {
  return (url, init) => answerGateway(gateway, new Request(url, init), '/gate')
}
const gate = 'http://job/gate'

test.each(spoken.map((one) => [one.spec.id, one] as const))(
  '%s: an agent at the address of the oracle plays as the oracle itself',
  async (_, scenario) => {
    const gateway = new MemoryGateway()
    const send = doorTo(gateway)
    for (let episode = 0; episode < 20; episode++) {
      const played = gateway.offer(
        scenario,
        orderOf(`r${episode}`, episode),
        scriptedModel('oracle'),
      )
      const offer = await post<Offer>(send, `${gate}/next`)
      expect(offer.base_url).toBe(`${gate}/rollouts/r${episode}/v1`)
      expect(await playByHand(send, offer)).toBe('The episode is over.')
      const { steps, verdict, reward, task, messages } = await played
      const native = play(scenario, 'oracle', 'validation', episode)
      expect({ verdict, reward, task, actions: steps.map(({ action }) => action) }).toEqual({
        verdict: native.verdict,
        reward: native.reward,
        task: native.task,
        actions: native.steps.map(({ action }) => action),
      })
      expect(verdict.success).toBe(true)
      expect(messages?.map(({ role }) => role).slice(0, 4)).toEqual([
        'system',
        'user',
        'assistant',
        'tool',
      ])
      expect(messages).toHaveLength(2 + 2 * steps.length)
    }
    expect((await send(`${gate}/next`, { method: 'POST' })).status).toBe(204)
  },
)

const [desk] = spoken
if (!desk) throw new Error('There is no desk')

test('who breaks off has failed, and is told the same again', async () => {
  const gateway = new MemoryGateway()
  const send = doorTo(gateway)
  const played = gateway.offer(desk, orderOf('r', 0), scriptedModel('oracle'))
  const offer = await post<Offer>(send, `${gate}/next`)
  const asked = await post<object>(send, `${offer.base_url}/chat/completions`, {
    model: 'x',
    messages: [{ role: 'user', content: offer.user }],
  })
  expect(asked).toMatchObject({ object: 'chat.completion', model: 'player' })
  const ended = await post<object>(send, `${gate}/rollouts/r/end`)
  expect(ended).toMatchObject({
    status: 'failed',
    success: false,
    reward: 0,
    steps: 0,
    reason: 'The agent ended before the episode did',
  })
  expect(await post<object>(send, `${gate}/rollouts/r/end`)).toEqual(ended)
  expect((await played).verdict.success).toBe(false)
  const after = await post<object>(send, `${gate}/rollouts/r/tools/refund`, {})
  expect(after).toEqual({ content: 'The episode is over.', done: true })
})

test('bad calls are told and are no steps; whoever goes in circles has failed', async () => {
  const gateway = new MemoryGateway()
  const send = doorTo(gateway)
  const played = gateway.offer(desk, orderOf('r', 0), scriptedModel('oracle'))
  await post(send, `${gate}/next`)
  const call = () =>
    post<{ content: string; done: boolean }>(send, `${gate}/rollouts/r/tools/dance`)
  expect(await call()).toEqual({ content: 'There is no tool dance', done: false })
  let calls = 1
  while (!(await call()).done) calls++
  expect(calls).toBe(4 * desk.spec.maxSteps + 32)
  const { verdict, steps } = await played
  expect({ success: verdict.success, steps }).toEqual({ success: false, steps: [] })
})

test('a rollout goes on in another process from what was saved', async () => {
  const oracle = scriptedModel('oracle')
  let rollout = Rollout.begin(desk, orderOf('r', 3))
  for (let calls = 0; !rollout.isOver; calls++) {
    const saved = JSON.parse(JSON.stringify(rollout.state)) as typeof rollout.state
    expect(saved).toEqual(rollout.state)
    rollout = Rollout.restore(desk, saved)
    const { completion } = await oracle.answer({ model: 'x', messages: [] }, rollout)
    const called = completion.choices[0]?.message.tool_calls?.[0]?.function
    if (!called) throw new Error('It called nothing')
    rollout.call(called.name, JSON.parse(called.arguments) as Record<string, unknown>)
    expect(calls).toBeLessThan(desk.spec.maxSteps)
  }
  const { verdict, reward } = play(desk, 'oracle', 'validation', 3)
  const { status, ...ended } = rollout.ended
  expect({ status, verdict: ended.verdict, reward: ended.reward }).toEqual({
    status: 'succeeded',
    verdict,
    reward,
  })
})

test('what was drawn before a step in between is the probability of nothing', async () => {
  const rollout = Rollout.begin(desk, { ...orderOf('r', 0), sampleSeed: 1 })
  const exchange = {
    model: 'm',
    userAgent: '',
    messages: [],
    tools: [],
    parameters: {},
    answer: { role: 'assistant' },
    drawn: { search_kb: -1, lookup_user: -2 },
  }
  const given = desk.conversation?.argumentsOf(rollout.heard, 0) ?? {}
  rollout.record({ ...exchange, steps: 0 })
  rollout.call('search_kb', given)
  rollout.record({ ...exchange, steps: 0 })
  rollout.call('lookup_user', given)
  expect(rollout.state.steps.map(({ logProbability }) => logProbability)).toEqual([-1, undefined])
})
