/** One training from its first weights to its last: advanced piece by piece, saved between them. */
import type { Scenario, Split } from '../environment.ts'
import type { Vector } from '../kernel/kernel.ts'
import { ActorCritic } from '../learning/actor-critic.ts'
import {
  cloneEpoch,
  type CloneWorkspace,
  demonstrate,
  demonstrateRecorded,
  type Demonstrations,
  type Performance,
} from '../learning/clone.ts'
import { greatest } from '../learning/distribution.ts'
import { evaluate, type Result } from '../learning/evaluate.ts'
import type { Network } from '../learning/network.ts'
import { mixed, Random } from '../random.ts'
import type { TrainerState } from './checkpoint.ts'
import { type Learner, learnerSpace, makeLearner } from './learner.ts'
import { cloneEpochs, type Schedule, scheduleOf, type TrainingSettings } from './settings.ts'

export interface Advance {
  readonly phase: 'clone' | 'improve'
  readonly loss: number
  /** Of the update, by the names of their curves. */
  readonly figures: Readonly<Record<string, number>>
}

/** Episodes that the mean reward is of, and the mean entropy. */
const window = 100

export class Trainer {
  readonly scenario: Scenario
  readonly settings: TrainingSettings
  readonly model: ActorCritic
  readonly #schedule: Schedule
  readonly #learner: Learner
  readonly #clone: CloneWorkspace | null
  readonly #one: { readonly policy: Network; readonly observation: Vector }
  readonly #random: Random
  readonly #demonstrations: Demonstrations | null
  #cloned = 0
  #episodes = 0
  #steps = 0
  #updates = 0
  #rewards: number[] = []
  #entropies: number[] = []
  #loss = 0

  private constructor(
    scenario: Scenario,
    settings: TrainingSettings,
    schedule: Schedule,
    model: ActorCritic,
    recorded: readonly Performance[] | null,
  ) {
    const { observations } = scenario.spec
    const { ppo, cloneRows } = schedule
    const { kernel } = model
    const { seed } = settings
    this.scenario = scenario
    this.settings = settings
    this.model = model
    this.#schedule = schedule
    this.#random = new Random(mixed(seed, 5))
    model.initialise(new Random(mixed(seed, 6)))
    this.#learner = makeLearner(model, scenario, schedule, seed)
    this.#clone =
      schedule.demonstrations === 0
        ? null
        : {
            observations: kernel.take(cloneRows * observations),
            rows: cloneRows,
            ...model.networks(cloneRows),
          }
    const first = mixed(seed, 13) % 2 ** 20
    const { demonstrations } = schedule
    this.#demonstrations =
      this.#clone &&
      (settings.recorded
        ? recorded && demonstrateRecorded(scenario, recorded, ppo.gamma)
        : demonstrate(scenario, first, demonstrations, ppo.gamma))
    this.#one = { policy: model.networks(1).policy, observation: kernel.take(observations) }
  }

  /** `recorded`: what the settings name. Without it, it can be looked at and not trained. */
  static async make(
    scenario: Scenario,
    settings: TrainingSettings,
    recorded: readonly Performance[] | null = null,
  ): Promise<Trainer> {
    const { observations, actions } = scenario.spec
    const schedule = scheduleOf(settings, scenario.spec)
    const { hidden, cloneRows } = schedule
    const { rows, floats } = learnerSpace(schedule, scenario)
    const model = await ActorCritic.make(
      { observations, actions: actions.length, hidden },
      [...rows, cloneRows, 1, 1],
      floats + (cloneRows + 1) * observations + 64,
    )
    return new Trainer(scenario, settings, schedule, model, recorded)
  }

  get #cloneEpochs(): number {
    return this.#demonstrations ? cloneEpochs(this.#demonstrations.actions.length) : 0
  }

  get episodes(): number {
    return Math.min(this.#episodes, this.settings.episodes)
  }

  /** Of environments, in learning by trial. */
  get steps(): number {
    return this.#steps
  }

  get meanReward(): number {
    return meanOf(this.#rewards)
  }

  /** Of the choices along whole episodes, in nats: what is left of trying things out. */
  get trajectoryEntropy(): number {
    return meanOf(this.#entropies)
  }

  /** Of the last update. */
  get loss(): number {
    return this.#loss
  }

  get updates(): number {
    return this.#updates + this.#cloned
  }

  get isDone(): boolean {
    return this.#cloned >= this.#cloneEpochs && this.#episodes >= this.settings.episodes
  }

  /** One epoch over the demonstrations, or one batch of episodes and the update by it. */
  advance(): Advance {
    return this.#cloned < this.#cloneEpochs ? this.#copy() : this.#improve()
  }

  /** The likeliest action. `mask`: 1 for what is possible; null: all is. */
  act(seen: Float32Array, mask: Uint8Array | null): number {
    const { policy, observation } = this.#one
    observation.data.set(seen)
    return greatest(policy.forward(observation.at, 1), 0, this.model.shape.actions, mask)
  }

  /** Greedy: the likeliest action of each state. */
  evaluate(split: Split, episodes: number, first = 0): Result {
    return evaluate((seen, environment) => this.act(seen, environment.mask()), {
      scenario: this.scenario,
      split,
      episodes,
      first,
    })
  }

  get state(): TrainerState {
    return {
      model: this.model.state,
      learner: this.#learner.state,
      random: this.#random.state,
      cloned: this.#cloned,
      episodes: this.#episodes,
      steps: this.#steps,
      updates: this.#updates,
      rewards: this.#rewards,
      entropies: this.#entropies,
      loss: this.#loss,
    }
  }

  set state(state: TrainerState) {
    this.model.state = state.model
    this.#learner.state = state.learner
    this.#random.state = state.random
    this.#cloned = state.cloned
    this.#episodes = state.episodes
    this.#steps = state.steps
    this.#updates = state.updates
    this.#rewards = [...state.rewards]
    this.#entropies = [...state.entropies]
    this.#loss = state.loss
  }

  #copy(): Advance {
    const shown = this.#demonstrations
    if (!this.#clone || !shown) throw new Error('There is nobody to learn from')
    const { demonstrations } = this.#schedule
    const epochs = this.#cloneEpochs
    const rate = this.settings.learningRate * (1 - this.#cloned / epochs)
    this.#loss = cloneEpoch(this.model, this.#clone, shown, rate, this.#random)
    this.#cloned++
    this.#episodes = Math.round((demonstrations * this.#cloned) / epochs)
    this.#rewards = [shown.meanReward]
    return { phase: 'clone', loss: this.#loss, figures: {} }
  }

  #improve(): Advance {
    const { anneals, trialRate, demonstrations } = this.#schedule
    const { episodes, learningRate } = this.settings
    const done = (this.#episodes - demonstrations) / Math.max(1, episodes - demonstrations)
    const left = anneals ? Math.max(0, 1 - done) : 1
    const rate = learningRate * trialRate * left
    const { ended, steps, loss, figures } = this.#learner.improve(rate, this.#random)
    this.#episodes += ended.length
    this.#steps += steps
    this.#updates++
    this.#rewards = [...this.#rewards, ...ended.map(({ reward }) => reward)].slice(-window)
    this.#entropies = [...this.#entropies, ...ended.map(({ entropy }) => entropy)].slice(-window)
    this.#loss = loss
    return { phase: 'improve', loss, figures }
  }
}

const meanOf = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, one) => sum + one, 0) / values.length
