/** One training from its first weights to its last: advanced piece by piece, saved between them. */
import type { Scenario, Split } from '../environment.ts'
import type { Vector } from '../kernel/kernel.ts'
import { ActorCritic } from '../learning/actor-critic.ts'
import {
  cloneEpoch,
  type CloneWorkspace,
  demonstrate,
  type Demonstrations,
} from '../learning/clone.ts'
import { greatest } from '../learning/distribution.ts'
import { evaluate, type Result } from '../learning/evaluate.ts'
import type { Network } from '../learning/network.ts'
import { type PpoFigures, type PpoWorkspace, updatePpo } from '../learning/ppo.ts'
import { Collector, collectorFloats, type Episode } from '../learning/rollout.ts'
import { mixed, Random } from '../random.ts'
import type { TrainerState } from './checkpoint.ts'
import { cloneEpochs, type Schedule, scheduleOf, type TrainingSettings } from './settings.ts'

export interface Advance {
  readonly phase: 'clone' | 'improve'
  readonly loss: number
  readonly figures: PpoFigures | null
  readonly ended: readonly Episode[]
}

/** Episodes that the mean reward is of. */
const window = 100

export class Trainer {
  readonly scenario: Scenario
  readonly settings: TrainingSettings
  readonly model: ActorCritic
  readonly #schedule: Schedule
  readonly #collector: Collector
  readonly #ppo: PpoWorkspace
  readonly #clone: CloneWorkspace | null
  readonly #one: { readonly policy: Network; readonly observation: Vector }
  readonly #random: Random
  readonly #demonstrations: Demonstrations | null
  #cloned = 0
  #episodes = 0
  #updates = 0
  #rewards: number[] = []
  #loss = 0

  private constructor(
    scenario: Scenario,
    settings: TrainingSettings,
    schedule: Schedule,
    model: ActorCritic,
  ) {
    const { observations } = scenario.spec
    const { environments, steps, ppo, cloneRows } = schedule
    const { kernel } = model
    const { seed } = settings
    this.scenario = scenario
    this.settings = settings
    this.model = model
    this.#schedule = schedule
    this.#random = new Random(mixed(seed, 5))
    model.initialise(new Random(mixed(seed, 6)))
    const acting = model.networks(environments)
    this.#collector = new Collector({ scenario, environments, steps, seed, kernel, ...acting })
    const size = Math.floor((environments * steps) / ppo.minibatches)
    this.#ppo = { observations: kernel.take(size * observations), ...model.networks(size) }
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
    this.#demonstrations = this.#clone && demonstrate(scenario, first, demonstrations, ppo.gamma)
    this.#one = { policy: model.networks(1).policy, observation: kernel.take(observations) }
  }

  static async make(scenario: Scenario, settings: TrainingSettings): Promise<Trainer> {
    const { observations, actions } = scenario.spec
    const schedule = scheduleOf(settings, scenario.spec)
    const { environments, steps, ppo, hidden, cloneRows } = schedule
    const size = Math.floor((environments * steps) / ppo.minibatches)
    const model = await ActorCritic.make(
      { observations, actions: actions.length, hidden },
      [environments, size, cloneRows, 1, 1],
      collectorFloats(steps, environments, observations) +
        (size + cloneRows + 1) * observations +
        64,
    )
    return new Trainer(scenario, settings, schedule, model)
  }

  get #cloneEpochs(): number {
    return this.#demonstrations ? cloneEpochs(this.#demonstrations.actions.length) : 0
  }

  get episodes(): number {
    return Math.min(this.#episodes, this.settings.episodes)
  }

  get meanReward(): number {
    const sum = this.#rewards.reduce((total, reward) => total + reward, 0)
    return this.#rewards.length === 0 ? 0 : sum / this.#rewards.length
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
      collector: this.#collector.state,
      random: this.#random.state,
      cloned: this.#cloned,
      episodes: this.#episodes,
      updates: this.#updates,
      rewards: this.#rewards,
      loss: this.#loss,
    }
  }

  set state(state: TrainerState) {
    this.model.state = state.model
    this.#collector.state = state.collector
    this.#random.state = state.random
    this.#cloned = state.cloned
    this.#episodes = state.episodes
    this.#updates = state.updates
    this.#rewards = [...state.rewards]
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
    return { phase: 'clone', loss: this.#loss, figures: null, ended: [] }
  }

  #improve(): Advance {
    const { ppo, environments, anneals, demonstrations } = this.#schedule
    const { episodes, learningRate } = this.settings
    const ended = this.#collector.collect(ppo.gamma)
    const done = (this.#episodes - demonstrations) / Math.max(1, episodes - demonstrations)
    const rate = anneals ? learningRate * Math.max(0, 1 - done) : learningRate
    const { batch } = this.#collector
    const figures = updatePpo(this.model, this.#ppo, batch, environments, ppo, rate, this.#random)
    this.#episodes += ended.length
    this.#updates++
    this.#rewards = [...this.#rewards, ...ended.map(({ reward }) => reward)].slice(-window)
    this.#loss = figures.loss
    return { phase: 'improve', loss: figures.loss, figures, ended }
  }
}
