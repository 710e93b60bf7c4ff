/** Environments of Gymnasium in a process of their own: its numbers, its ends, its refusals. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import {
  type Environment,
  type Scenario,
  seedOf,
} from '../../../../plugins/scenarios/environment.ts'
import { type Choose, evaluate } from '../../../../plugins/scenarios/learning/evaluate.ts'
import {
  type Definition,
  type Described,
  specOf,
} from '../../../../plugins/scenarios/outside/definition.ts'
import { describe as look } from '../../../../plugins/scenarios/outside/describe.ts'
import {
  type OpenOutside,
  outsideScenario,
  outsideSeed,
} from '../../../../plugins/scenarios/outside/environment.ts'
import { Random } from '../../../../plugins/scenarios/random.ts'
import { digestOf } from '../../../../plugins/scenarios/training/checkpoint.ts'
import type { TrainingSettings } from '../../../../plugins/scenarios/training/settings.ts'
import { Trainer } from '../../../../plugins/scenarios/training/trainer.ts'
import { openEnvironments } from '../../../../runners/environment/open.ts'
import { temporaryFolder } from '../../../../scripts/temporary.ts'

const root = join(import.meta.dir, '../../../..')
const python = process.env['HEARTH_TEST_PYTHON'] ?? join(root, '.cache/test-venv/bin/python')
const before = process.env['PYTHONPATH']

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const opened: { end(): void; readonly pid: number }[] = []

beforeAll(async () => {
  folder = await temporaryFolder()
  process.env['PYTHONPATH'] = import.meta.dir
})
afterAll(async () => {
  for (const one of opened) one.end()
  if (before === undefined) delete process.env['PYTHONPATH']
  else process.env['PYTHONPATH'] = before
  await folder[Symbol.asyncDispose]()
})

const open: OpenOutside = (wanted) => {
  const made = openEnvironments(wanted, python)
  opened.push(made)
  return made
}

const defined = (environment: string, more: Partial<Definition> = {}): Definition =>
  ({ kind: 'gymnasium', id: 'it', environment, requirements: [], ...more }) as Definition

const described = (environment: string, more?: Partial<Definition>): Described =>
  look(defined(environment, more), open, folder.path)

const scenarioOf = (environment: string, more: Partial<Described> = {}) => {
  const definition = defined(environment)
  const found = { ...described(environment), ...more }
  const spec = specOf(definition, 1, found)
  return outsideScenario({ kind: 'gymnasium', spec, definition, described: found }, open)
}

/** Draws actions until the end: what was seen, as the peer tells it. */
const played = (environment: Environment, width: number, seed: number) => {
  const random = new Random(seed)
  const seen = new Float32Array(width)
  environment.reset(seed, seen)
  const actions: number[] = []
  const told: unknown[] = [[...seen]]
  for (let isOver = false; !isOver;) {
    const action = random.below(environment.actions)
    const { reward, terminated, truncated } = environment.step(action, seen)
    actions.push(action)
    told.push([[...seen], reward, terminated, truncated])
    isOver = terminated || truncated
  }
  return { actions, told }
}

test.each(['CartPole-v1', 'FrozenLake-v1', 'Acrobot-v1', 'odd_environments:Walk-v0'])(
  '%s gives the numbers of Gymnasium itself',
  async (environment) => {
    const scenario = scenarioOf(environment)
    const made = scenario.make()
    const seeds = [seedOf('train', 1), seedOf('train', 77), seedOf('validation', 1)]
    const ours = seeds.map((seed) => played(made, scenario.spec.observations, seed))
    const episodes = ours.map(({ actions }, i) => [outsideSeed(seeds[i] ?? 0), actions])
    const peer = Bun.spawn([python, join(import.meta.dir, 'peer.py')], {
      stdin: new Blob([JSON.stringify({ environment, episodes })]),
      stdout: 'pipe',
      stderr: 'ignore',
      env: { ...process.env },
    })
    const said = (await new Response(peer.stdout).text()).trimEnd().split('\n').at(-1) ?? ''
    expect(ours.map(({ told }) => told)).toEqual(JSON.parse(said))
  },
)

test('episodes that are looked at side by side are those looked at one by one', () => {
  const scenario = scenarioOf('CartPole-v1')
  const lean: Choose = (seen) => ((seen[2] ?? 0) + 0.3 * (seen[3] ?? 0) > 0 ? 1 : 0)
  const options = { split: 'validation', episodes: 13 } as const
  const together = evaluate(lean, { scenario, ...options })
  const alone: Scenario = { ...scenario, make: () => withoutBegin(scenario.make()) }
  expect(together).toEqual(evaluate(lean, { scenario: alone, ...options }))
  expect(together.meanLength).toBeGreaterThan(100)
})

const withoutBegin = (environment: Environment): Environment => {
  Object.defineProperty(environment, 'begin', { value: undefined })
  return environment
}

test('seeds of the three splits stay apart', () => {
  const seeds = (['train', 'validation', 'test'] as const).map((split) =>
    outsideSeed(seedOf(split, 2 ** 30 + 5)),
  )
  expect(seeds).toEqual([5, 2 ** 29 + 5, 2 ** 30 + 5])
})

describe('what it is told to be', () => {
  test('CartPole is found to be CartPole', () => {
    expect(described('CartPole-v1')).toEqual({
      observations: 4,
      actions: 2,
      maxSteps: 500,
      threshold: 475,
      breach: null,
      saving: 'replay',
      stepUs: expect.any(Number),
      versions: { gymnasium: '1.3.0', numpy: expect.any(String), python: expect.any(String) },
    })
  })

  test('a threshold and a bound of its owner’s come before its own', () => {
    const found = described('CartPole-v1', { threshold: 100, max_steps: 120 })
    expect(found).toMatchObject({ threshold: 100, maxSteps: 120 })
  })

  test.each([
    ['odd_environments:Rebuilt-v0', 'replay', null],
    [
      'odd_environments:Forgetful-v0',
      'state',
      'Deterministic step observations are not equivalent for the same seed and action',
    ],
    ['odd_environments:Restless-v0', 'none', expect.stringContaining('Deterministic step')],
  ])('%s is saved by %s', (environment, saving, breach) => {
    expect(described(environment)).toMatchObject({ saving, breach })
  })

  test.each([
    ['Pendulum-v1', {}, 'Its actions are of Box: only Discrete ones can be learned'],
    ['Nothing-v1', {}, 'NameNotFound'],
    ['CliffWalking-v1', { threshold: -20 }, 'give max_steps'],
    ['Blackjack-v1', { max_steps: 20 }, 'give threshold'],
    ['CartPole-v1', { actions: ['left'] }, 'It has 2 actions, and 1 names are given'],
    ['CartPole-v1', { options: { colour: 'red' } }, 'colour'],
    ['odd_environments:Picture-v0', {}, 'It shows 12288 numbers at once: 4096 at most'],
    ['odd_environments:Sentence-v0', {}, 'observations.words are of Text'],
  ])('%s with %o is refused', (environment, more, reason) => {
    expect(() => described(environment, more as Partial<Definition>)).toThrow(reason)
  })
})

describe('a training', () => {
  const settings: TrainingSettings = {
    scenario: 'it',
    algorithm: 'ppo',
    episodes: 60,
    learningRate: 0.002,
    seed: 3,
  }

  /** Halfway saved and gone on with by another trainer, and once without. */
  const both = async (environment: string) => {
    const scenario = scenarioOf(environment)
    const whole = await Trainer.make(scenario, settings)
    while (!whole.isDone) whole.advance()
    const first = await Trainer.make(scenarioOf(environment), settings)
    first.advance()
    first.advance()
    const saved = JSON.parse(JSON.stringify(first.state)) as typeof first.state
    const resumed = scenarioOf(environment)
    const second = await Trainer.make(resumed, settings)
    second.state = { ...saved, model: first.state.model }
    while (!second.isDone) second.advance()
    return { whole: digestOf(whole.state), second: digestOf(second.state), resumed }
  }

  test('goes on bit for bit from the middle of its episodes', async () => {
    const { whole, second, resumed } = await both('CartPole-v1')
    expect(second).toBe(whole)
    expect(resumed.isExact?.()).toBe(true)
  })

  test('says so where it cannot', async () => {
    const { whole, second, resumed } = await both('odd_environments:Restless-v0')
    expect(second).not.toBe(whole)
    expect(resumed.isExact?.()).toBe(false)
  })

  test('an environment that lost its state is found out', () => {
    // Told to be kept by its process, which forgets: the last observation shows it.
    const scenario = scenarioOf('odd_environments:Restless-v0', { saving: 'replay' })
    const environment = scenario.make()
    const seen = new Float32Array(scenario.spec.observations)
    environment.reset(1, seen)
    environment.step(1, seen)
    expect(scenario.isExact?.()).toBe(true)
    environment.load(environment.save())
    expect(scenario.isExact?.()).toBe(false)
  })

  test('fails with the reason when its environments are killed', () => {
    const scenario = scenarioOf('CartPole-v1')
    const environment = scenario.make()
    const seen = new Float32Array(4)
    environment.reset(1, seen)
    process.kill(opened.at(-1)?.pid ?? 0, 'SIGKILL')
    expect(() => environment.step(0, seen)).toThrow(
      'The process of the environment has ended, by SIGKILL',
    )
  })

  test('an action that is none is refused, and the rest goes on', () => {
    const environment = scenarioOf('CartPole-v1').make()
    const seen = new Float32Array(4)
    environment.reset(1, seen)
    environment.begin?.(2)
    expect(() => environment.step(2, seen)).toThrow('No action 2')
    environment.begin?.(1)
    expect(environment.step(1, seen)).toEqual({ reward: 1, terminated: false, truncated: false })
    expect(() => environment.oracle()).toThrow('Nobody knows')
  })
})
