/** The part of lint that any environment must keep, whatever it is about: the letter of it. */
import { type Environment, type Scenario, seedOf, type Step } from '../environment.ts'
import { mixed, Random } from '../random.ts'

type Rule = 'spec' | 'determinism' | 'seeds' | 'saving' | 'observation' | 'contract'

/** Each rule, and what finds its first breach. */
export const contractOf = (
  scenario: Scenario,
  episodes: number,
): readonly (readonly [Rule, () => string | null])[] => [
  ['spec', () => specBreach(scenario)],
  ['determinism', () => determinismBreach(scenario, episodes)],
  ['seeds', () => seedsBreach(scenario, episodes)],
  ['saving', () => savingBreach(scenario, Math.min(episodes, 40))],
  ['observation', () => observationBreach(scenario, episodes)],
  ['contract', () => contractBreach(scenario, episodes)],
]

const specBreach = ({ spec, conversation, make }: Scenario): string | null => {
  const { actions, tasks, maxSteps, observations } = spec
  if (new Set(actions).size < actions.length) return 'Two actions have one name'
  if (new Set(tasks).size < tasks.length) return 'Two tasks have one name'
  if (make().actions !== actions.length) return `There are ${make().actions} actions`
  const whole = [maxSteps, observations].every((one) => Number.isInteger(one) && one > 0)
  if (!whole) return 'maxSteps and observations must be whole and above 0'
  const tools = conversation?.tools.map(({ name }) => name)
  return !tools || Bun.deepEquals(tools, [...actions]) ? null : 'The tools are not the actions'
}

/** Dice of their own: those of the seed itself would draw the very episode again. */
export const diceOf = (n: number): Random => new Random(mixed(n, 0x11d1ce))

/** The oracle mostly, so that episodes get far; dice otherwise, so that they get anywhere. */
export const mixedAction = (environment: Environment, random: Random): number =>
  random.next() < 0.7 ? environment.oracle() : random.below(environment.actions)

/** The oracle's episodes, and those of one action again and again, end when they must. */
export const endlessBreach = ({ spec, make }: Scenario, episodes: number): string | null => {
  const environment = make()
  const into = new Float32Array(spec.observations)
  for (let n = 0; n < episodes; n++) {
    environment.reset(seedOf('train', n), into)
    const constant = (n % (spec.actions.length + 1)) - 1
    let isOver = false
    for (let steps = 0; steps < spec.maxSteps && !isOver; steps++) {
      const action = constant < 0 ? environment.oracle() : constant
      const { terminated, truncated } = environment.step(action, into)
      isOver = terminated || truncated
    }
    if (!isOver) return `Seed ${n}: no end after ${spec.maxSteps} steps`
  }
  return null
}

interface Moment {
  readonly observation: readonly number[]
  readonly action: number
  readonly step: Step
}

/** The oracle's actions with dice thrown in; the dice are of `n`, so that it can be repeated. */
const played = (environment: Environment, { spec }: Scenario, n: number): readonly Moment[] => {
  const into = new Float32Array(spec.observations)
  environment.reset(seedOf('train', n), into)
  return continued(environment, into, diceOf(n))
}

const continued = (environment: Environment, into: Float32Array, random: Random) => {
  const moments: Moment[] = []
  for (let isOver = false; !isOver;) {
    const action = mixedAction(environment, random)
    const step = { ...environment.step(action, into) }
    moments.push({ observation: [...into], action, step })
    isOver = step.terminated || step.truncated
  }
  return moments
}

const determinismBreach = (scenario: Scenario, episodes: number): string | null => {
  const [used, also] = [scenario.make(), scenario.make()]
  for (let n = 0; n < episodes; n++) {
    const one = [played(used, scenario, n), used.verdict()]
    const other = [played(also, scenario, n), also.verdict()]
    const fresh = scenario.make()
    const third = [played(fresh, scenario, n), fresh.verdict()]
    if (!Bun.deepEquals(one, other)) return `Seed ${n} gave two transcripts`
    if (!Bun.deepEquals(one, third)) return `Seed ${n} remembers the episode before it`
  }
  return null
}

const seedsBreach = (scenario: Scenario, episodes: number): string | null => {
  const into = new Float32Array(scenario.spec.observations)
  const environment = scenario.make()
  const states = new Set<string>()
  for (let n = 0; n < episodes; n++) {
    environment.reset(seedOf('train', n), into)
    states.add(JSON.stringify(environment.save()))
  }
  return states.size > 1 || episodes < 2 ? null : `${episodes} seeds gave one episode`
}

const savingBreach = (scenario: Scenario, episodes: number): string | null => {
  const environment = scenario.make()
  const into = new Float32Array(scenario.spec.observations)
  for (let n = 0; n < episodes; n++) {
    const { length } = played(environment, scenario, n)
    const stride = Math.ceil(length / 20)
    for (let at = 0; at < length; at += stride) {
      const random = diceOf(n)
      environment.reset(seedOf('train', n), into)
      for (let i = 0; i < at; i++) environment.step(mixedAction(environment, random), into)
      const saved = JSON.stringify(environment.save())
      const dice = random.state
      const expected = [continued(environment, into, random), environment.verdict()]
      const other = scenario.make()
      other.load(JSON.parse(saved))
      const again = new Random(0)
      again.state = dice
      const actual = [continued(other, into, again), other.verdict()]
      if (!Bun.deepEquals(actual, expected)) return `Seed ${n}: loaded after ${at}, it differs`
    }
  }
  return null
}

/** Beyond it a tanh of a fresh network is 1 or -1, whatever else is seen. */
const moderate = 1_000

const observationBreach = (scenario: Scenario, episodes: number): string | null => {
  const { observations } = scenario.spec
  const environment = scenario.make()
  // Longer than said and without a number in it: what is left out or too much shows.
  const into = new Float32Array(observations + 8)
  const breach = (): string | null => {
    const missing = into.subarray(0, observations).findIndex((value) => !Number.isFinite(value))
    if (missing >= 0) return `Number ${missing} of ${observations} is ${into[missing]}`
    const huge = into.subarray(0, observations).findIndex((value) => Math.abs(value) > moderate)
    if (huge >= 0) return `Number ${huge} is ${into[huge]}: networks learn from about -1 to 1`
    const more = into.subarray(observations).findIndex((value) => value > 0 || value < 0)
    return more < 0 ? null : `There are more than ${observations} numbers`
  }
  for (let n = 0; n < episodes; n++) {
    const random = diceOf(n)
    environment.reset(seedOf('train', n), into.fill(Number.NaN))
    for (let isOver = false; !isOver;) {
      const wrong = breach()
      if (wrong) return wrong
      const action = mixedAction(environment, random)
      const { reward, terminated, truncated } = environment.step(action, into.fill(Number.NaN))
      if (!Number.isFinite(reward)) return `A reward is ${reward}`
      isOver = terminated || truncated
    }
    const wrong = breach()
    if (wrong) return wrong
  }
  return null
}

const contractBreach = (scenario: Scenario, episodes: number): string | null => {
  const { tasks, metrics } = scenario.spec
  const environment = scenario.make()
  for (let n = 0; n < episodes; n++) {
    const moments = played(environment, scenario, n)
    const end = moments.at(-1)?.step
    if (end?.terminated && end.truncated) return `Seed ${n}: terminated and truncated at once`
    if (tasks[environment.task] === undefined) return `There is no task ${environment.task}`
    const mask = environment.mask()
    if (mask && mask.length !== environment.actions) return `The mask has ${mask.length} actions`
    const { components } = environment.verdict()
    if (!Bun.deepEquals(Object.keys(components).sort(), [...metrics].sort())) {
      return `The verdict has ${Object.keys(components)}, the metrics are ${metrics}`
    }
    const wild = Object.entries(components).find(([, share]) => !(share >= 0 && share <= 1))
    if (wild) return `${wild[0]} is ${wild[1]}, not from 0 to 1`
    if (!endsForGood(environment, scenario)) return 'After its end it can be stepped'
  }
  return null
}

const endsForGood = (environment: Environment, { spec }: Scenario): boolean => {
  try {
    environment.step(0, new Float32Array(spec.observations))
    return false
  } catch {
    return true
  }
}
