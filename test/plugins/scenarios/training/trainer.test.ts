/** Trainings that learn, that do not when nothing can be learned, and that go on bit for bit. */
import { describe, expect, test } from 'bun:test'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import type { Environment, Scenario } from '../../../../plugins/scenarios/environment.ts'
import { Random } from '../../../../plugins/scenarios/random.ts'
import {
  digestOf,
  readCheckpoint,
  runtime,
  writeCheckpoint,
} from '../../../../plugins/scenarios/training/checkpoint.ts'
import type { TrainingSettings } from '../../../../plugins/scenarios/training/settings.ts'
import { Trainer } from '../../../../plugins/scenarios/training/trainer.ts'

const known = (id: string): Scenario => {
  const scenario = scenarioOf(id)
  if (!scenario) throw new Error(`There is no scenario ${id}`)
  return scenario
}
const cartpole = known('cartpole')
const customerSupport = known('customer_support')

const given = (more: Partial<TrainingSettings> = {}): TrainingSettings => ({
  scenario: 'customer_support',
  algorithm: 'bc+ppo',
  episodes: 5000,
  learningRate: 0.001,
  seed: 1,
  ...more,
})

const finished = async (scenario: Scenario, settings: TrainingSettings): Promise<Trainer> => {
  const trainer = await Trainer.make(scenario, settings)
  while (!trainer.isDone) trainer.advance()
  return trainer
}

/** Percent of 1000 held-out episodes, and of the worst task. */
const scored = (trainer: Trainer) => {
  const { successes, episodes, tasks } = trainer.evaluate('validation', 1000)
  const shares = Object.values(tasks).map((one) => one.successes / one.episodes)
  return { all: (100 * successes) / episodes, worst: 100 * Math.min(...shares) }
}

describe('customer support', () => {
  test.each([1, 2, 3])('is learned, every task of it (seed %d)', async (seed) => {
    const { all, worst } = scored(await finished(customerSupport, given({ seed })))
    expect(all).toBeGreaterThan(97)
    expect(worst).toBeGreaterThan(90)
  })

  test('the document’s 200 episodes give something honest', async () => {
    expect(scored(await finished(customerSupport, given({ episodes: 200 }))).all).toBeGreaterThan(
      88,
    )
  })
})

/** Episodes in which each of them is well beyond chance, which is below 5 % of them. */
const trials = [
  ['ppo', 5000, 50],
  ['reinforce', 20_000, 30],
  ['grpo', 5000, 30],
] as const

describe.each(trials)('by %s alone', (algorithm, episodes, least) => {
  const settings = given({ algorithm, episodes })

  test('something is learned, which permuted tools undo', async () => {
    const trainer = await finished(customerSupport, settings)
    expect(scored(trainer).all).toBeGreaterThan(least)
    const count = customerSupport.spec.actions.length
    const permuted = await otherwise(trainer, (action) => (action + 3) % count)
    expect(scored(permuted).all).toBeLessThan(5)
  })

  test('nothing is learned without a learning rate', async () => {
    const trainer = await finished(customerSupport, { ...settings, learningRate: 0 })
    expect(scored(trainer).all).toBeLessThan(5)
  })

  test('nothing is learned from rewards that were shuffled', async () => {
    const random = new Random(1)
    const blind = changed(customerSupport, (environment) => {
      const step = environment.step.bind(environment)
      environment.step = (action, into) => ({ ...step(action, into), reward: random.normal() })
    })
    expect(scored(await finished(blind, settings)).all).toBeLessThan(15)
  })
})

test('permuted tools undo what an oracle taught', async () => {
  const trainer = await finished(customerSupport, given())
  const count = customerSupport.spec.actions.length
  expect(scored(await otherwise(trainer, (action) => (action + 3) % count)).all).toBeLessThan(5)
})

test('an oracle teaches nothing without a learning rate', async () => {
  const trainer = await finished(customerSupport, given({ learningRate: 0, episodes: 1000 }))
  expect(scored(trainer).all).toBeLessThan(5)
})

/** The scenario with environments that were meddled with. */
const changed = (scenario: Scenario, change: (environment: Environment) => void): Scenario => ({
  ...scenario,
  make() {
    const environment = scenario.make()
    change(environment)
    return environment
  },
})

/** The trained weights, among environments whose actions are permuted. */
const otherwise = async (trainer: Trainer, map: (action: number) => number): Promise<Trainer> => {
  const permuted = changed(trainer.scenario, (environment) => {
    const step = environment.step.bind(environment)
    environment.step = (action, into) => step(map(action), into)
  })
  const other = await Trainer.make(permuted, trainer.settings)
  other.model.state = trainer.model.state
  return other
}

describe.each(['bc+ppo', 'grpo'] as const)('going on with %s', (algorithm) => {
  const settings = given({ algorithm, episodes: 1500 })

  test.each([1, 10, 120, 170])('after %d pieces ends as if never left', async (pieces) => {
    const whole = await finished(customerSupport, settings)
    const first = await Trainer.make(customerSupport, settings)
    for (let i = 0; i < pieces && !first.isDone; i++) first.advance()
    const saved = writeCheckpoint({ settings, state: first.state, runtime, elapsedMs: 5 })
    const second = await Trainer.make(customerSupport, settings)
    const { state, ...rest } = readCheckpoint(saved)
    second.state = state
    while (!second.isDone) second.advance()
    expect(digestOf(second.state)).toBe(digestOf(whole.state))
    expect(rest).toEqual({ settings, runtime, elapsedMs: 5 })
  })

  test.each(['learner', 'random', 'model'] as const)('without its %s it does not', async (part) => {
    const whole = await finished(customerSupport, settings)
    const first = await Trainer.make(customerSupport, settings)
    // Beyond the demonstrations, where environments and Adam's moments count.
    while (first.state.updates < 3) first.advance()
    const second = await Trainer.make(customerSupport, settings)
    second.state = { ...first.state, [part]: second.state[part] }
    while (!second.isDone) second.advance()
    expect(digestOf(second.state)).not.toBe(digestOf(whole.state))
  })
})

test('a damaged checkpoint is refused', async () => {
  const settings = given({ scenario: 'cartpole' })
  const { state } = await Trainer.make(cartpole, settings)
  const saved = writeCheckpoint({ settings, state, runtime, elapsedMs: 0 })
  expect(() => readCheckpoint(saved.replace('"cloned":0', '"cloned":1'))).toThrow('damaged')
  expect(() => readCheckpoint(saved.slice(0, -10))).toThrow()
})

test('CartPole is solved by PPO alone', async () => {
  const settings = given({ scenario: 'cartpole', algorithm: 'ppo', episodes: 1500 })
  const trainer = await finished(cartpole, settings)
  const { successes } = trainer.evaluate('validation', 100)
  expect(successes).toBeGreaterThan(80)
})
