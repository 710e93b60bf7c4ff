/** Episodes side by side are the same as episodes alone: how they are split changes nothing. */
import { expect, test } from 'bun:test'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { seedOf } from '../../../../plugins/scenarios/environment.ts'
import { ActorCritic } from '../../../../plugins/scenarios/learning/actor-critic.ts'
import { sample, softmax } from '../../../../plugins/scenarios/learning/distribution.ts'
import { Collector, collectorFloats } from '../../../../plugins/scenarios/learning/rollout.ts'
import { mixed, Random } from '../../../../plugins/scenarios/random.ts'

const [environments, steps, seed] = [7, 40, 3]

test('each environment has its own chance, however many are stepped at once', async () => {
  const scenario = scenarioOf('customer_support')
  if (!scenario) throw new Error('There is no customer support')
  const { observations: width, actions, tasks } = scenario.spec
  const shape = { observations: width, actions: actions.length, hidden: [16] }
  const floats = collectorFloats(steps, environments, width) + 2 * width + 64
  const model = await ActorCritic.make(shape, [environments, 1], floats)
  model.initialise(new Random(1))
  const { kernel } = model
  const made = { scenario, environments, steps, seed, kernel, ...model.networks(environments) }
  const { batch, ...collector } = ((one) => ({ batch: one.batch, ended: one.collect(0.99) }))(
    new Collector(made),
  )
  const { policy } = model.networks(1)
  const seen = kernel.take(width)
  const ended: { step: number; seat: number; task: number; reward: number; length: number }[] = []
  for (let seat = 0; seat < environments; seat++) {
    const environment = scenario.make()
    const random = new Random(mixed(seed, 7, seat))
    let [episodes, reward, length] = [0, 0, 0]
    const begin = () => {
      const n = (mixed(seed, 11) % 2 ** 20) * 2 ** 19 + episodes++ * environments + seat
      environment.reset(seedOf('train', n), seen.data)
      ;[reward, length] = [0, 0]
    }
    begin()
    for (let step = 0; step < steps; step++) {
      const k = step * environments + seat
      expect(seen.data).toEqual(batch.observations.data.slice(k * width, (k + 1) * width))
      const row = policy.forward(seen.at, 1)
      softmax(row, 0, actions.length, environment.mask(), 0)
      const action = sample(row, 0, actions.length, random)
      const log = Math.fround(Math.log(row[action] ?? 0))
      const found = environment.step(action, seen.data)
      expect({ action, log, reward: Math.fround(found.reward) }).toEqual({
        action: batch.actions[k] ?? -1,
        log: batch.logProbabilities[k] ?? Number.NaN,
        reward: batch.rewards[k] ?? Number.NaN,
      })
      reward += found.reward
      length++
      if (!found.terminated && !found.truncated) continue
      ended.push({ step, seat, task: environment.task, reward, length })
      begin()
    }
  }
  const inOrder = ended.toSorted((a, b) => a.step - b.step || a.seat - b.seat)
  expect(inOrder.length).toBeGreaterThan(environments)
  expect(new Set(inOrder.map(({ task }) => task)).size).toBe(tasks.length)
  expect(collector.ended.map(({ task, reward, length }) => ({ task, reward, length }))).toEqual(
    inOrder.map(({ task, reward, length }) => ({ task, reward, length })),
  )
})
