/** One episode that an agent plays by calling tools: stepped, recorded, judged, saved whole. */
import { HearthError } from '../../../src/sdk.ts'
import {
  type Conversation,
  type Environment,
  type Heard,
  type Scenario,
  seedOf,
  type Split,
} from '../environment.ts'
import { type Judgement, judge } from '../rubric.ts'
import type { ChatExchange, RolloutEvent } from './events.ts'
import type { Trajectory, TrajectoryStep } from './trajectory.ts'

export interface RolloutOrder {
  readonly id: string
  readonly split: Split
  readonly episode: number
  /** Who answers at its address; null: whom each call names. */
  readonly model: string | null
  /** Actions are drawn by their probabilities, with random numbers of this seed; null: greedy. */
  readonly sampleSeed: number | null
}

export type RolloutStatus = 'running' | 'succeeded' | 'failed'

/** JSON; the rollout goes on from it in any process. */
export interface RolloutState {
  readonly order: RolloutOrder
  readonly scenario: { readonly id: string; readonly version: number }
  readonly status: RolloutStatus
  /** Why it failed, in words; null: by its verdict, or it did not. */
  readonly reason: string | null
  /** Who answered last; `agent`: it asked nobody here. */
  readonly player: string
  readonly environment: unknown
  readonly observation: readonly number[]
  readonly heard: Heard
  readonly steps: readonly TrajectoryStep[]
  readonly judgement: Judgement | null
  /** Log-probabilities of what the last answer of a model called, by tool. */
  readonly drawn: Readonly<Record<string, number>>
  /** Digests of the messages of the last request: those that come again are recorded once. */
  readonly told: readonly string[]
  readonly chats: number
  readonly events: number
  readonly recordedBytes: number
}

export interface ToolReply {
  readonly content: string
  readonly done: boolean
}

export interface Ended {
  readonly status: RolloutStatus
  readonly reason: string | null
  readonly success: boolean
  readonly reward: number
  readonly verdict: Judgement['verdict']
  readonly rubric: Judgement['rubric']
  readonly steps: number
}

/** Calls of each kind that an agent has for a step: beyond, it goes in circles. */
const callsPerStep = 4
const spareCalls = 32
const maxRecordedBytes = 4 * 2 ** 20

export class Rollout {
  readonly scenario: Scenario
  readonly conversation: Conversation
  #state: RolloutState
  readonly #environment: Environment
  #observation: Float32Array
  #fresh: RolloutEvent[] = []

  private constructor(scenario: Scenario, state: RolloutState, environment: Environment) {
    this.scenario = scenario
    this.conversation = spokenBy(scenario)
    this.#state = state
    this.#environment = environment
    this.#observation = Float32Array.from(state.observation)
  }

  /** @throws HearthError `conflict` where nothing is said in the scenario */
  static begin(scenario: Scenario, order: RolloutOrder): Rollout {
    const conversation = spokenBy(scenario)
    const { id, version, observations } = scenario.spec
    const environment = scenario.make()
    const observation = new Float32Array(observations)
    environment.reset(seedOf(order.split, order.episode), observation)
    const state: RolloutState = {
      order,
      scenario: { id, version },
      status: 'running',
      reason: null,
      player: order.model ?? 'agent',
      environment: environment.save(),
      observation: [...observation],
      heard: { opening: conversation.opening(environment), calls: [] },
      steps: [],
      judgement: null,
      drawn: {},
      told: [],
      chats: 0,
      events: 0,
      recordedBytes: 0,
    }
    return new Rollout(scenario, state, environment)
  }

  /** @throws HearthError `conflict` where the scenario is of another version by now */
  static restore(scenario: Scenario, state: RolloutState): Rollout {
    const { id, version } = scenario.spec
    if (version !== state.scenario.version) {
      const message = `It was begun with version ${state.scenario.version} of ${id}, not ${version}`
      throw new HearthError('conflict', message)
    }
    const environment = scenario.make()
    environment.load(state.environment)
    return new Rollout(scenario, state, environment)
  }

  /** What is to be saved now. */
  get state(): RolloutState {
    return this.#state
  }

  get order(): RolloutOrder {
    return this.#state.order
  }

  get isOver(): boolean {
    return this.#state.status !== 'running'
  }

  /** What the policy sees now: `[observations]`. */
  get observation(): Float32Array {
    return this.#observation
  }

  /** Actions that are possible now, as 1; null: all are. */
  get mask(): Uint8Array | null {
    return this.#environment.mask()
  }

  get heard(): Heard {
    return this.#state.heard
  }

  /** For scripted players: they may look into it, and must not step it. */
  get environment(): Environment {
    return this.#environment
  }

  /** Calls a tool. What stands for no action is told in the content, and is no step. */
  call(name: string, given: Readonly<Record<string, unknown>>): ToolReply {
    if (this.isOver) return { content: episodeOver, done: true }
    const action = this.#actionOf(name, given)
    if (typeof action === 'string') {
      this.#record({ type: 'tool', name, arguments: given, content: action, done: false })
      this.#stopCircling()
      return { content: action, done: this.isOver }
    }
    const step = this.#environment.step(action, this.#observation)
    const { reward, terminated, truncated } = step
    const content = this.conversation.reply(this.#environment)
    const logProbability = this.#state.drawn[name]
    const drawn = logProbability === undefined ? {} : { logProbability }
    const { heard, steps } = this.#state
    this.#set({
      environment: this.#environment.save(),
      observation: [...this.#observation],
      heard: { ...heard, calls: [...heard.calls, { name, reply: content }] },
      steps: [...steps, { action, name, reward, terminated, truncated, ...drawn }],
      drawn: {},
    })
    const done = terminated || truncated
    this.#record({ type: 'tool', name, arguments: given, content, action, reward, done })
    if (done) this.#finish(null)
    else this.#stopCircling()
    return { content, done: this.isOver }
  }

  /** Takes down what a model was asked and answered. */
  record(exchange: ChatExchange): void {
    if (this.isOver) return
    const { told } = this.#state
    const digests = exchange.messages.map((one) => Bun.hash(JSON.stringify(one)).toString(36))
    const differing = digests.findIndex((digest, i) => digest !== told[i])
    const kept = differing < 0 ? digests.length : differing
    const { messages, drawn = {}, steps, ...rest } = exchange
    // Drawn before a step that came in between, it is the probability of nothing.
    const isCurrent = steps === this.#state.steps.length
    this.#set({
      told: digests,
      drawn: isCurrent ? drawn : {},
      chats: this.#state.chats + 1,
      player: exchange.model,
    })
    this.#record({ type: 'chat', kept, messages: messages.slice(kept), ...rest })
    this.#stopCircling()
  }

  /** Ends it: whoever breaks off has failed. Once; later ones are told the same. */
  end(reason = 'The agent ended before the episode did'): Ended {
    if (!this.isOver) this.#finish(reason)
    return this.ended
  }

  /** @throws Error while it is running */
  get ended(): Ended {
    const { status, reason, judgement, steps } = this.#state
    if (!judgement) throw new Error('The rollout is running')
    const { verdict, rubric } = judgement
    const reward = steps.reduce((sum, step) => sum + step.reward, 0)
    return {
      status,
      reason,
      success: verdict.success,
      reward,
      verdict,
      rubric,
      steps: steps.length,
    }
  }

  /** Without what was said: that is in the events. @throws Error while it is running */
  get trajectory(): Trajectory {
    const { scenario, order, player, steps } = this.#state
    const { verdict, rubric, reward } = this.ended
    const { split, episode } = order
    const seed = seedOf(split, episode)
    const task = this.scenario.spec.tasks[this.#environment.task] ?? ''
    return { scenario, split, episode, seed, task, player, steps, reward, verdict, rubric }
  }

  /** What was recorded since it was last asked. */
  takeEvents(): readonly RolloutEvent[] {
    const taken = this.#fresh
    this.#fresh = []
    return taken
  }

  /** Gives back what the environment holds. */
  close(): void {
    this.#environment.close?.()
  }

  #actionOf(name: string, given: Readonly<Record<string, unknown>>): number | string {
    const action = this.conversation.actionOf(this.#environment, { name, arguments: given })
    if (typeof action === 'string') return action
    return this.mask?.[action] === 0 ? `${name} is not possible now` : action
  }

  #finish(brokenOff: string | null): void {
    const judged = judge(this.scenario, this.#environment)
    const { verdict } = judged
    const judgement = brokenOff === null ? judged : { ...judged, verdict: failed(verdict) }
    const status = judgement.verdict.success ? 'succeeded' : 'failed'
    this.#set({ status, reason: brokenOff, judgement })
    this.#record({ type: 'end', status, reason: brokenOff })
  }

  #stopCircling(): void {
    const { chats, events, recordedBytes } = this.#state
    const most = callsPerStep * this.scenario.spec.maxSteps + spareCalls
    if (chats > most || events - chats > most) this.#finish('The agent goes in circles')
    else if (recordedBytes > maxRecordedBytes) this.#finish('The agent says too much')
  }

  #record(event: RolloutEvent): void {
    this.#fresh.push(event)
    const { events, recordedBytes } = this.#state
    this.#set({
      events: events + 1,
      recordedBytes: recordedBytes + JSON.stringify(event).length,
    })
  }

  #set(changes: Partial<RolloutState>): void {
    this.#state = { ...this.#state, ...changes }
  }
}

export const episodeOver = 'The episode is over.'

const failed = (verdict: Judgement['verdict']) => ({ ...verdict, success: false })

const spokenBy = ({ spec, conversation }: Scenario): Conversation => {
  if (conversation) return conversation
  throw new HearthError('conflict', `Nothing is said in ${spec.id}: no agent can play it in words`)
}
