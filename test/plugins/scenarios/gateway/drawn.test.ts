/** Policies that draw their actions: by their own probabilities, again the same, and told. */
import { expect, test } from 'bun:test'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { policyModel } from '../../../../plugins/scenarios/gateway/chat-model.ts'
import { answerGateway } from '../../../../plugins/scenarios/gateway/handler.ts'
import { MemoryGateway } from '../../../../plugins/scenarios/gateway/memory.ts'
import { choose } from '../../../../plugins/scenarios/models/choice.ts'
import { replay } from '../../../../plugins/scenarios/episodes/replay.ts'
import { type Offer, playByHand, post } from './agent.ts'

const scenario = scenarioOf('sales_qualification')
if (!scenario) throw new Error('There is no such scenario')
const { actions } = scenario.spec

/** Likes each action a bit more than the one before it, and the first less with each step. */
const logits = (observation: Float32Array) =>
  Float32Array.from(actions, (_, j) => 0.1 * j + (j === 0 ? (observation[0] ?? 0) : 0))

const playWith = async (sampleSeed: number | null) => {
  const gateway = new MemoryGateway()
  const order = { id: 'r', split: 'train', episode: 3, model: 'm', sampleSeed } as const
  const played = gateway.offer(scenario, order, policyModel(logits))
  const send = (url: string, init?: RequestInit) => answerGateway(gateway, new Request(url, init))
  await playByHand(send, await post<Offer>(send, 'http://job/next'))
  return played
}

test('a draw is told with its probability, and drawn again with the same seed', async () => {
  const drawn = await playWith(1)
  expect((await playWith(1)).steps).toEqual(drawn.steps)
  const wanted: number[] = []
  replay(scenario, drawn, ({ observation, action }) => {
    wanted.push(Math.log(choose(logits(observation), null, actions).probabilities[action] ?? 0))
  })
  expect(wanted.length).toBeGreaterThan(0)
  expect(drawn.steps.map(({ logProbability }) => logProbability)).toEqual(wanted)
})

test('other seeds draw otherwise; without one, it is the likeliest each time', async () => {
  const all = await Promise.all([1, 2, 3, 4, 5, 6].map(playWith))
  const firsts = new Set(all.map(({ steps }) => steps[0]?.action))
  expect(firsts.size).toBeGreaterThan(2)
  const { steps } = await playWith(null)
  expect(steps.every(({ logProbability }) => logProbability === undefined)).toBe(true)
  expect(new Set(steps.map(({ action }) => action))).toEqual(new Set([actions.length - 1]))
})
