/** Finds what is wrong with a scenario before anybody trains on it: for those who write them. */
import { type Conversation, type Environment, type Scenario, seedOf } from '../environment.ts'
import { contractOf, diceOf, endlessBreach, mixedAction } from './contract.ts'
import { baselines, evaluate } from '../learning/evaluate.ts'
import { rubricBreach } from './rubric.ts'
import type { Random } from '../random.ts'

/** What each asks, in the order they are looked at. */
export const lintRules = {
  contract: 'Episodes end, and steps keep to what the contract says',
  oracle: 'The oracle brings every episode to a right end',
  random: 'Dice seldom do',
  reward: 'No cheap habit earns what the work earns',
  rubric: 'The rubric judges every part of the verdict',
  spec: 'The description fits the environment',
  determinism: 'The same seed gives the same episode',
  seeds: 'Different seeds give different ones',
  saving: 'A saved episode goes on as it would have',
  observation: 'What is seen is numbers, none beyond 1,000 either way',
  conversation: 'Words and numbers tell, do and earn the same',
  hidden: 'Nothing that is hidden is told',
  unsolvable: 'What is told is enough',
} as const
export type LintRule = keyof typeof lintRules

export interface Finding {
  readonly rule: LintRule
  readonly message: string
}

export interface LintOptions {
  /** Seeds of the test split for the oracle; the other rules look at fewer. */
  readonly episodes?: number
  /** How often somebody who rolls dice may succeed, from 0 to 1. */
  readonly randomLimit?: number
  /**
   * A saved state that differs from this one only in what the agent has not seen. With it, lint
   * shows that nothing hidden is told, and that what is told is enough. An action that was just
   * done must tell nothing new when it is done again; without a conversation, the observation of
   * `reset` is not looked at.
   */
  readonly swap?: (saved: unknown, random: Random) => unknown
}

/** Of each rule the first breach only: the next one mostly has the same cause. */
export const lint = (scenario: Scenario, options: LintOptions = {}): Finding[] => {
  const { episodes = 2000, randomLimit = 0.05, swap } = options
  const few = Math.min(episodes, 200)
  const found: Finding[] = []
  const check = (rule: Finding['rule'], breach: () => string | null): void => {
    try {
      const message = breach()
      if (message !== null) found.push({ rule, message })
    } catch (error) {
      found.push({ rule, message: error instanceof Error ? error.message : String(error) })
    }
  }
  check('contract', () => endlessBreach(scenario, few))
  // All other rules play episodes to their end.
  if (found.length > 0) return found
  check('oracle', () => oracleBreach(scenario, episodes))
  check('random', () => randomBreach(scenario, episodes, randomLimit))
  check('reward', () => rewardBreach(scenario, few))
  check('rubric', () => rubricBreach(scenario, few))
  for (const [rule, breach] of contractOf(scenario, few)) check(rule, breach)
  const { conversation } = scenario
  if (conversation) check('conversation', () => spokenBreach(scenario, conversation, few))
  if (swap) {
    check('hidden', () => hiddenBreach(scenario, few, swap))
    check('unsolvable', () => unsolvableBreach(scenario, few, swap))
  }
  return found
}

const oracleBreach = (scenario: Scenario, episodes: number): string | null => {
  const result = evaluate(baselines.oracle, { scenario, split: 'test', episodes })
  if (result.successes < episodes) return `It fails ${episodes - result.successes} of ${episodes}`
  const unmet = Object.entries(result.tasks).find(([, task]) => task.episodes === 0)
  return unmet ? `No episode is of the task ${unmet[0]}` : null
}

const randomBreach = (scenario: Scenario, episodes: number, limit: number): string | null => {
  const { successes } = evaluate(baselines.random, { scenario, split: 'test', episodes })
  const share = successes / episodes
  return share > limit ? `Dice succeed in ${(100 * share).toFixed(1)} %` : null
}

/** Returns of those who want the reward and not the work, each below the oracle's. */
const rewardBreach = (scenario: Scenario, episodes: number): string | null => {
  const options = { scenario, split: 'train', episodes } as const
  const best = evaluate(baselines.oracle, options).meanReward
  const { actions } = scenario.spec
  for (const [action, name] of actions.entries()) {
    const constant = evaluate(() => action, options).meanReward
    if (constant >= best) return `${name} and nothing else earns ${constant}, the oracle ${best}`
    for (const [other, exit] of actions.entries()) {
      const pair = evaluate((_, environment) => alternating(environment, action, other), options)
      if (pair.meanReward < best) continue
      return `${name} and ${exit} by turns earn ${pair.meanReward}, the oracle ${best}`
    }
  }
  return null
}

const turns = new WeakMap<Environment, number>()

const alternating = (environment: Environment, first: number, second: number): number => {
  const turn = turns.get(environment) ?? 0
  turns.set(environment, turn + 1)
  return turn % 2 === 0 ? first : second
}

/** In words and in numbers, the same actions lead to the same verdict, and tell the same. */
const spokenBreach = (
  { spec, make }: Scenario,
  conversation: Conversation,
  episodes: number,
): string | null => {
  const [numbers, words] = [make(), make()]
  const seen = new Float32Array(spec.observations)
  const ignored = new Float32Array(spec.observations)
  for (let n = 0; n < episodes; n++) {
    const random = diceOf(n)
    numbers.reset(seedOf('train', n), seen)
    words.reset(seedOf('train', n), ignored)
    const opening = conversation.opening(words)
    const calls: { name: string; reply: string }[] = []
    for (let isOver = false; !isOver;) {
      const heard = { opening, calls }
      if (!isSame(conversation.observe(heard), seen)) return `Seed ${n}: words tell otherwise`
      const action = mixedAction(numbers, random)
      const name = spec.actions[action] ?? ''
      const given = conversation.argumentsOf(heard, action)
      const meant = conversation.actionOf(words, { name, arguments: given })
      if (meant !== action) return `Seed ${n}: the call of ${name} means ${meant}`
      const step = numbers.step(action, seen)
      words.step(meant, ignored)
      calls.push({ name, reply: conversation.reply(words) })
      isOver = step.terminated || step.truncated
    }
    if (!Bun.deepEquals(numbers.verdict(), words.verdict())) return `Seed ${n}: other verdicts`
  }
  return null
}

type Swap = (saved: unknown, random: Random) => unknown

/** Two worlds that differ in what is hidden must look alike: opening, last answer, numbers. */
const hiddenBreach = (scenario: Scenario, episodes: number, swap: Swap): string | null => {
  const { spec, conversation, make } = scenario
  const [one, other] = [make(), make()]
  const [mine, theirs] = [0, 1].map(() => new Float32Array(spec.observations))
  if (!mine || !theirs) return null
  for (let n = 0; n < episodes; n++) {
    const random = diceOf(n)
    one.reset(seedOf('train', n), mine)
    for (let isOver = false, last = -1; !isOver;) {
      const saved = one.save()
      other.load(swap(saved, random))
      const words = (of: Environment) =>
        conversation && [conversation.opening(of), last < 0 ? '' : conversation.reply(of)]
      if (!Bun.deepEquals(words(one), words(other))) return `Seed ${n}: words tell what is hidden`
      if (last >= 0) {
        // What was just done tells nothing new when it is done again.
        one.step(last, mine)
        other.step(last, theirs)
        if (!isSame(mine, theirs)) return `Seed ${n}: after ${spec.actions[last]} numbers differ`
        one.load(saved)
      }
      last = mixedAction(one, random)
      const step = one.step(last, mine)
      isOver = step.terminated || step.truncated
    }
  }
  return null
}

/** Who acts by worlds that only look alike must succeed: then what is told is enough. */
const unsolvableBreach = ({ spec, make }: Scenario, episodes: number, swap: Swap) => {
  const [real, imagined] = [make(), make()]
  const ignored = new Float32Array(spec.observations)
  for (let n = 0; n < episodes; n++) {
    const random = diceOf(n)
    real.reset(seedOf('train', n), ignored)
    for (let isOver = false; !isOver;) {
      imagined.load(swap(real.save(), random))
      const { terminated, truncated } = real.step(imagined.oracle(), ignored)
      isOver = terminated || truncated
    }
    if (!real.verdict().success) return `Seed ${n}: what is told does not decide it`
  }
  return null
}

const isSame = (one: Float32Array | null, other: Float32Array): boolean =>
  one !== null &&
  one.length === other.length &&
  one.every((value, i) => value === other[i] || Object.is(value, other[i]))
