/** Groups of episodes: alike at first, weighed against each other, the same on every machine. */
import { describe, expect, test } from 'bun:test'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { ActorCritic } from '../../../../plugins/scenarios/learning/actor-critic.ts'
import { groupAdvantages, updateGrpo } from '../../../../plugins/scenarios/learning/grpo.ts'
import { groupFloats, Groups } from '../../../../plugins/scenarios/learning/groups.ts'
import { Random } from '../../../../plugins/scenarios/random.ts'

const shape = { size: 4, groups: 3 }
const seats = shape.size * shape.groups

const customerSupport = scenarioOf('customer_support')
if (!customerSupport) throw new Error('There is no customer support')
const { spec } = customerSupport

const made = async () => {
  const { observations, actions, maxSteps } = spec
  const floats = groupFloats(shape, maxSteps, observations) + 32 * observations + 64
  const sizes = { observations, actions: actions.length, hidden: [16] }
  const model = await ActorCritic.make(sizes, [seats, 32], floats)
  model.initialise(new Random(1))
  const { kernel } = model
  const { policy } = model.networks(seats)
  const groups = new Groups({ scenario: customerSupport, ...shape, seed: 1, kernel, policy })
  const workspace = {
    observations: kernel.take(32 * observations),
    rows: 32,
    policy: model.networks(32).policy,
  }
  return { model, groups, workspace }
}

const settings = { clip: 0.2, entropy: 0.01, epochs: 2, maxNorm: 0.5 }

describe('advantages', () => {
  test('are normalised in each group, with the unbiased deviation', () => {
    const found = groupAdvantages([1, 2, 3, 0, 0, 6], 3).map((one) => one?.toFixed(3))
    expect(found).toEqual(['-1.000', '0.000', '1.000', '-0.577', '-0.577', '1.155'])
  })

  test('are none where all did equally well', () => {
    expect(groupAdvantages([0.1, 0.1, 0.1, 1, 0, 1], 3).slice(0, 3)).toEqual([null, null, null])
  })
})

test('a group begins alike and no two groups do', async () => {
  const { groups } = await made()
  const { episodes, observations, seats: whose } = groups.collect()
  const first = (seat: number) => {
    const row = whose.indexOf(seat) * spec.observations
    return observations.data.slice(row, row + spec.observations).join()
  }
  const openings = episodes.map((_, seat) => first(seat))
  const ofGroups = [0, 1, 2].map((n) => new Set(openings.slice(n * 4, n * 4 + 4)))
  expect(ofGroups.map(({ size }) => size)).toEqual([1, 1, 1])
  expect(new Set(openings).size).toBe(3)
  expect(new Set(episodes.map(({ reward }) => reward)).size).toBeGreaterThan(3)
})

test('groups that teach nothing change nothing, and are counted', async () => {
  const { model, groups, workspace } = await made()
  const batch = groups.collect()
  const same = { ...batch, episodes: batch.episodes.map((one) => ({ ...one, reward: 1 })) }
  const before = model.state
  const update = (given: typeof batch) =>
    updateGrpo(model, workspace, given, shape.size, settings, 0.001, new Random(1))
  expect(update(same)).toMatchObject({ zeroDeviationShare: 1, policyLoss: 0 })
  expect(model.state).toEqual(before)
  const one = batch.episodes.map((episode, i) => ({ ...episode, reward: i === 5 ? 1 : 0 }))
  expect(update({ ...batch, episodes: one }).zeroDeviationShare).toBeCloseTo(2 / 3)
  expect(model.state.parameters).not.toEqual(before.parameters)
})
