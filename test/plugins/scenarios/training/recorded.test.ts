/** Learning from recorded episodes is learning from an oracle, if the oracle was recorded. */
import { expect, test } from 'bun:test'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { play } from '../../../../plugins/scenarios/episodes/play.ts'
import { mixed } from '../../../../plugins/scenarios/random.ts'
import { digestOf } from '../../../../plugins/scenarios/training/checkpoint.ts'
import type { TrainingSettings } from '../../../../plugins/scenarios/training/settings.ts'
import { Trainer } from '../../../../plugins/scenarios/training/trainer.ts'

const scenario = scenarioOf('customer_support')
if (!scenario) throw new Error('There is no desk')

const settings: TrainingSettings = {
  scenario: 'customer_support',
  algorithm: 'bc',
  episodes: 40,
  learningRate: 0.001,
  seed: 3,
}
const file = { sha256: '0'.repeat(64), sizeBytes: 1, episodes: 40 }

/** As the trainer itself would have the oracle play. */
const oracles = Array.from({ length: 40 }, (_, i) => {
  const episode = (mixed(settings.seed, 13) % 2 ** 20) + i
  const { steps } = play(scenario, 'oracle', 'train', episode)
  return { episode, actions: steps.map(({ action }) => action) }
})

const trained = async (trainer: Trainer): Promise<string> => {
  while (!trainer.isDone) trainer.advance()
  return digestOf(trainer.state)
}

test('the same episodes leave the same weights, bit by bit, whoever hands them over', async () => {
  const itself = await trained(await Trainer.make(scenario, settings))
  const recorded = { ...settings, recorded: file }
  expect(await trained(await Trainer.make(scenario, recorded, oracles))).toBe(itself)
  const others = oracles.map(({ episode, actions }) => ({ episode: episode + 1, actions }))
  await expect(Trainer.make(scenario, recorded, others)).rejects.toThrow('recorded episodes do not')
})

test('paused, it goes on to the same end', async () => {
  const recorded = { ...settings, recorded: file }
  const first = await Trainer.make(scenario, recorded, oracles)
  for (let i = 0; i < 7; i++) first.advance()
  const second = await Trainer.make(scenario, recorded, oracles)
  second.state = first.state
  expect(await trained(second)).toBe(await trained(first))
  // Without the file it can be looked at, which is all that an evaluation does.
  const looked = await Trainer.make(scenario, recorded)
  looked.state = second.state
  expect(looked.evaluate('validation', 50)).toEqual(second.evaluate('validation', 50))
})
