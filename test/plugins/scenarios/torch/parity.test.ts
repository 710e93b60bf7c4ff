/** The arithmetic of learning here and by torch: the same weights in, the same weights out. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { ActorCritic } from '../../../../plugins/scenarios/learning/actor-critic.ts'
import type { Network } from '../../../../plugins/scenarios/learning/network.ts'
import { advantagesOf, updatePpo } from '../../../../plugins/scenarios/learning/ppo.ts'
import { Collector, collectorFloats } from '../../../../plugins/scenarios/learning/rollout.ts'
import { Random } from '../../../../plugins/scenarios/random.ts'
import { testWith } from '../../../faults/needs.ts'
import { torchPython } from '../../../python/torch.ts'

const [environments, steps, rate] = [4, 64, 0.003]
const ppo = {
  gamma: 0.99,
  lambda: 0.95,
  epochs: 2,
  minibatches: 4,
  clip: 0.2,
  entropy: 0.01,
  valueWeight: 0.5,
  clipsValue: true,
  maxNorm: 0.5,
}
const total = environments * steps
const size = total / ppo.minibatches

interface Answer {
  readonly policy: readonly Layer[]
  readonly value: readonly Layer[]
  readonly figures: Readonly<Record<string, number>>
  readonly advantages: number[][]
  readonly defined: number[][]
  readonly adam: number[]
}
interface Layer {
  readonly weights: number[][]
  readonly bias: number[]
}

/** `[steps][environments][width]`, or without the last where each has one number. */
const rowsOf = (values: ArrayLike<number>, width?: number) =>
  Array.from({ length: steps }, (_, t) =>
    Array.from({ length: environments }, (_one, i) => {
      const at = t * environments + i
      if (width === undefined) return values[at] ?? Number.NaN
      return Array.from({ length: width }, (_each, j) => values[at * width + j] ?? Number.NaN)
    }),
  )

const layersOf = (network: Network, parameters: Float32Array, first: number): Layer[] => {
  const sizes = [...network.shape.hidden, network.shape.outputs]
  let inputs = network.shape.inputs
  return network.layers.map(({ outputs: padded, weights, bias }, n) => {
    const outputs = sizes[n] ?? 0
    const row = (at: number) => [...parameters.slice(first + at, first + at + outputs)]
    const rows = Array.from({ length: inputs }, (_, r) => row(weights + r * padded))
    inputs = outputs
    return { weights: rows, bias: row(bias) }
  })
}

const largestGap = (found: unknown, wanted: unknown): number => {
  const flat = (value: unknown): number[] =>
    Array.isArray(value)
      ? value.flatMap(flat)
      : typeof value === 'object' && value !== null
        ? Object.values(value).flatMap(flat)
        : [Number(value)]
  const [a, b] = [flat(found), flat(wanted)]
  if (a.length !== b.length || a.length === 0) return Number.POSITIVE_INFINITY
  return Math.max(...a.map((one, k) => Math.abs(one - (b[k] ?? Number.NaN))))
}

const needed = testWith('torch')

/** A few updates, so that nothing is at its beginning; then one more, here and there. */
const compared = async (masked: boolean) => {
  const scenario = scenarioOf('cartpole')
  if (!scenario) throw new Error('There is no cartpole')
  const { observations, actions } = scenario.spec
  const model = await ActorCritic.make(
    { observations, actions: actions.length, hidden: [16, 16] },
    [environments, size],
    collectorFloats(steps, environments, observations) + size * observations + 64,
  )
  model.initialise(new Random(1))
  const { kernel } = model
  const acting = model.networks(environments)
  // Some episodes are cut off, so that what still would have come is part of it.
  const make = () => {
    const environment = scenario.make()
    const step = environment.step.bind(environment)
    let n = 0
    environment.step = (action, into) => {
      const found = step(action, into)
      return { ...found, truncated: !found.terminated && ++n % 17 === 0 }
    }
    if (masked) environment.mask = () => Uint8Array.of(1, n % 5 === 0 ? 0 : 1)
    return environment
  }
  const made = { scenario: { ...scenario, make }, environments, steps, seed: 1, kernel, ...acting }
  const collector = new Collector(made)
  const workspace = { observations: kernel.take(size * observations), ...model.networks(size) }
  const learn = (seed: number) =>
    updatePpo(model, workspace, collector.batch, environments, ppo, rate, new Random(seed))
  collector.collect(ppo.gamma)
  learn(1)
  collector.collect(ppo.gamma)
  const { batch } = collector
  // Adam begins anew: the other side's does.
  const { parameters } = model.state
  model.state = { parameters, m: parameters.map(() => 0), v: parameters.map(() => 0), steps: 0 }
  const { policy, value } = model.networks(0)
  const split = layersEnd(policy)
  const both = () => {
    const now = model.state.parameters
    return { policy: layersOf(policy, now, 0), value: layersOf(value, now, split) }
  }
  const random = new Random(2)
  const order = Int32Array.from({ length: total }, (_, i) => i)
  const orders = Array.from({ length: ppo.epochs }, () => {
    random.shuffle(order)
    return [...order]
  })
  const asked = {
    ppo,
    rate,
    orders,
    ...both(),
    batch: {
      seen: rowsOf(batch.observations.data, observations),
      masks: batch.masks && rowsOf(batch.masks, actions.length),
      actions: rowsOf(batch.actions),
      log_p: rowsOf(batch.logProbabilities),
      values: rowsOf(batch.values),
      rewards: rowsOf(batch.rewards),
      ends: rowsOf(batch.ends),
      bootstraps: rowsOf(batch.bootstraps),
      last_values: [...batch.lastValues],
    },
    adam: adamSteps(),
  }
  const { advantages } = advantagesOf(batch, environments, ppo)
  const before = both()
  const figures = learn(2)
  const ours = { ...both(), before, figures, advantages: rowsOf(advantages), batch }
  return { ours, theirs: await askTorch(asked) }
}

const layersEnd = ({ layers }: Network): number => {
  const last = layers.at(-1)
  return last ? last.bias + last.outputs : 0
}

const adamSteps = () => {
  const random = new Random(3)
  const draw = () => Array.from({ length: 12 }, () => random.normal())
  return { start: draw(), gradients: Array.from({ length: 100 }, draw), rate: 0.01, most: 0.5 }
}

const askTorch = async (asked: object): Promise<Answer> => {
  const child = Bun.spawn([torchPython, join(import.meta.dir, 'parity.py')], {
    env: {
      ...process.env,
      OMP_NUM_THREADS: '1',
      PYTHONPATH: join(import.meta.dir, '../../../../runners/python'),
    },
    stdin: Buffer.from(JSON.stringify(asked)),
    stdout: 'pipe',
    stderr: 'inherit',
  })
  return (await new Response(child.stdout).json()) as Answer
}

describe.each([false, true])('an update (with masks: %p)', (masked) => {
  let found: Awaited<ReturnType<typeof compared>>
  beforeAll(async () => {
    if (process.env['CI'] === 'true' || (await Bun.file(torchPython).exists())) {
      found = await compared(masked)
    }
  }, 120_000)

  needed('has episodes that ended and such that were cut off', () => {
    const { ends, bootstraps, masks } = found.ours.batch
    expect(ends.filter((end) => end === 1).length).toBeGreaterThan(5)
    expect(bootstraps.filter((value) => value !== 0).length).toBeGreaterThan(3)
    expect(masks?.includes(0) ?? false).toBe(masked)
  })

  needed('ends at the same weights', () => {
    const { ours, theirs } = found
    expect(largestGap(ours.before.policy, ours.policy)).toBeGreaterThan(5e-3)
    expect(largestGap(ours.policy, theirs.policy)).toBeLessThan(1e-4)
    expect(largestGap(ours.value, theirs.value)).toBeLessThan(1e-4)
  })

  needed('tells of the same figures', () => {
    const { figures } = found.ours
    const named = {
      policy_loss: figures.policyLoss,
      value_loss: figures.valueLoss,
      entropy: figures.entropy,
      approx_kl: figures.approximateKl,
      clip_frac: figures.clipFraction,
      loss: figures.loss,
      explained_variance: figures.explainedVariance,
    }
    for (const [name, value] of Object.entries(named)) {
      const gap = Math.abs(value - (found.theirs.figures[name] ?? Number.NaN))
      expect([name, gap < 1e-3 * Math.max(1, Math.abs(value))]).toEqual([name, true])
    }
  })

  needed('weighs steps as the definition of generalised advantages does', () => {
    const { ours, theirs } = found
    expect(largestGap(ours.advantages, theirs.defined)).toBeLessThan(1e-3)
    expect(largestGap(theirs.advantages, theirs.defined)).toBeLessThan(1e-3)
  })

  needed('goes the way of torch.optim.Adam, a hundred steps long', async () => {
    const { start, gradients, rate: learningRate, most: maxNorm } = adamSteps()
    const model = await ActorCritic.make({ observations: 1, actions: 1, hidden: [] }, [], 64)
    const blank = new Float32Array(model.state.parameters.length)
    const room = blank.length
    const spread = (values: readonly number[]) => {
      const wide = new Float32Array(room)
      wide.set(values.slice(0, room))
      return wide
    }
    expect(room).toBeGreaterThanOrEqual(start.length)
    model.state = { parameters: spread(start), m: blank, v: blank, steps: 0 }
    for (const gradient of gradients) {
      model.gradients.set(spread(gradient))
      model.descend({ learningRate, maxNorm })
    }
    const ended = [...model.state.parameters.slice(0, start.length)]
    expect(largestGap(ended, found.theirs.adam)).toBeLessThan(1e-5)
  })
})
