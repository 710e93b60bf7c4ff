/** What of a training real agents play: a share of it on the way, and the test of the model. */
import type { Result } from '../learning/evaluate.ts'
import { wilson } from '../learning/evaluate.ts'
import type { Scenario } from '../environment.ts'
import type { Framework } from '../frameworks.ts'
import type { Trajectory } from '../gateway/trajectory.ts'
import type { HarnessRollouts } from './rollouts.ts'

/** One of so many episodes; as it takes longer, at most this share of the time. */
const oneOf = 100
const shareOfTime = 0.1
/** The latest ones that the curve tells of. */
const window = 20
/** Of the test split, at the end. */
export const testEpisodes = 50

/** What a checkpoint keeps of it. */
export interface ShareState {
  readonly played: number
  readonly spentMs: number
  readonly successes: readonly boolean[]
}

/** What real agents of a framework made of the test, and how much they played in all. */
export interface HarnessTest {
  readonly framework: Framework
  readonly rollouts: number
  readonly test: Result
}

export class HarnessShare {
  readonly framework: Framework
  readonly #rollouts: HarnessRollouts
  readonly #scenario: Scenario
  #played = 0
  #spentMs = 0
  #successes: readonly boolean[] = []
  /** The episodes of the test. */
  tested: readonly Trajectory[] = []

  constructor(framework: Framework, rollouts: HarnessRollouts, scenario: Scenario) {
    this.framework = framework
    this.#rollouts = rollouts
    this.#scenario = scenario
  }

  get state(): ShareState {
    return { played: this.#played, spentMs: this.#spentMs, successes: this.#successes }
  }

  set state({ played, spentMs, successes }: ShareState) {
    this.#played = played
    this.#spentMs = spentMs
    this.#successes = successes
  }

  /** Points of curves. */
  get figures(): Readonly<Record<string, number>> {
    const successes = this.#successes.filter(Boolean).length
    const told = this.#successes.length > 0
    return {
      rollouts_harness: this.#played,
      ...(told && {
        harness_accuracy: (100 * successes) / this.#successes.length,
        harness_accuracy_n: this.#successes.length,
      }),
    }
  }

  /** Validation episodes that are due after so many episodes and so much time of the training. */
  async keepUp(episodes: number, elapsedMs: number, isAsked: () => boolean): Promise<void> {
    while (
      this.#played < Math.ceil(episodes / oneOf) &&
      this.#spentMs <= shareOfTime * elapsedMs &&
      !isAsked()
    ) {
      const { verdict } = await this.#play('validation', this.#played)
      this.#successes = [...this.#successes, verdict.success].slice(-window)
    }
  }

  /** null: it was asked to leave off. */
  async test(isAsked: () => boolean): Promise<HarnessTest | null> {
    const played: Trajectory[] = []
    for (let episode = 0; episode < testEpisodes; episode++) {
      if (isAsked()) return null
      played.push(await this.#play('test', episode))
    }
    this.tested = played
    const test = resultOf(played, this.#scenario.spec.tasks)
    return { framework: this.framework, rollouts: this.#played, test }
  }

  close(): Promise<void> {
    return this.#rollouts.close()
  }

  async #play(split: 'validation' | 'test', episode: number): Promise<Trajectory> {
    const begunMs = performance.now()
    const trajectory = await this.#rollouts.play(split, episode)
    this.#spentMs += performance.now() - begunMs
    this.#played++
    return trajectory
  }
}

/** Points of curves that the test leaves. */
export const testFigures = ({ test, rollouts }: HarnessTest): Readonly<Record<string, number>> => {
  const [low, high] = wilson(test.successes, test.episodes)
  return {
    rollouts_harness: rollouts,
    harness_test: (100 * test.successes) / test.episodes,
    harness_test_n: test.episodes,
    harness_test_low: 100 * low,
    harness_test_high: 100 * high,
  }
}

const resultOf = (played: readonly Trajectory[], tasks: readonly string[]): Result => {
  const sum = (of: (one: Trajectory) => number) => played.reduce((total, one) => total + of(one), 0)
  const won = (some: readonly Trajectory[]) => some.filter(({ verdict }) => verdict.success).length
  return {
    episodes: played.length,
    successes: won(played),
    meanReward: sum(({ reward }) => reward) / played.length,
    meanLength: sum(({ steps }) => steps.length) / played.length,
    tasks: Object.fromEntries(
      tasks.map((name) => {
        const some = played.filter(({ task }) => task === name)
        return [name, { episodes: some.length, successes: won(some) }]
      }),
    ),
  }
}
