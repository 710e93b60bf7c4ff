/** Episodes of a scenario as OpenEnv plays them: one environment, reset and stepped from afar. */
import { type Environment, type Scenario, seedOf, type Step } from '../environment.ts'
import { type ActionData, type ResetData, WireError } from './wire.ts'

/** What is known of an episode after each message; the protocol has no place of its own for it. */
export interface Observation {
  /** What a policy network sees. */
  readonly vector: readonly number[]
  /** The same in words; null: nothing is said in the scenario. */
  readonly text: string | null
  /** 1: possible now. null: all actions are. */
  readonly mask: readonly number[] | null
  readonly terminated: boolean
  readonly truncated: boolean
  readonly info: Readonly<Record<string, unknown>>
}

export interface Observed {
  readonly observation: Observation
  readonly reward: number | null
  readonly done: boolean
}

const begun: Step = { reward: 0, terminated: false, truncated: false }

export class Episodes {
  readonly #scenario: Scenario
  readonly #environment: Environment
  readonly #seen: Float32Array
  readonly #draw: () => number
  #episodeId: string | null = null
  #steps = 0
  #state: 'none' | 'running' | 'over' = 'none'

  /** `draw` gives a seed where none is asked for. @throws WireError `FACTORY_ERROR` */
  constructor(scenario: Scenario, draw: () => number = drawn) {
    this.#scenario = scenario
    this.#seen = new Float32Array(scenario.spec.observations)
    this.#draw = draw
    try {
      this.#environment = scenario.make()
    } catch (error) {
      const more = { factory_name: scenario.spec.id }
      throw new WireError('FACTORY_ERROR', (error as Error).message, more)
    }
  }

  reset({ seed, episode_id }: ResetData = {}): Observed {
    const { conversation } = this.#scenario
    this.#episodeId = episode_id ?? crypto.randomUUID()
    this.#steps = 0
    this.#state = 'running'
    this.#environment.reset(seedOf('train', seed ?? this.#draw()), this.#seen)
    const text = conversation?.opening(this.#environment) ?? null
    const info = conversation ? { system: conversation.system, tools: conversation.tools } : {}
    return { ...this.#observed(begun, text, info), reward: null }
  }

  /** @throws WireError `EXECUTION_ERROR` without an episode, or for an action that is none */
  step(data: ActionData): Observed {
    if (this.#state !== 'running') {
      const why = this.#state === 'none' ? 'There is no episode yet' : 'The episode is over'
      throw new WireError('EXECUTION_ERROR', `${why}: reset first`)
    }
    const action = this.#actionOf(data)
    // A call that means nothing is told, and is no step.
    if (typeof action === 'string') return this.#observed(begun, action, {})
    const step = this.#environment.step(action, this.#seen)
    this.#steps++
    const text = this.#scenario.conversation?.reply(this.#environment) ?? null
    if (!step.terminated && !step.truncated) return this.#observed(step, text, {})
    this.#state = 'over'
    const task = this.#scenario.spec.tasks[this.#environment.task] ?? null
    return this.#observed(step, text, { task, verdict: this.#environment.verdict() })
  }

  get state() {
    const { id, version } = this.#scenario.spec
    return {
      episode_id: this.#episodeId,
      step_count: this.#steps,
      scenario_id: id,
      scenario_version: version,
    }
  }

  close(): void {
    this.#environment.close?.()
  }

  #actionOf(data: ActionData): number | string {
    const { conversation, spec } = this.#scenario
    if ('action' in data) {
      if (data.action < spec.actions.length) return data.action
      const last = spec.actions.length - 1
      throw new WireError('EXECUTION_ERROR', `There is no action ${data.action}: 0 to ${last}`)
    }
    if (!conversation) {
      throw new WireError('EXECUTION_ERROR', `${spec.id} has no tools: send {"action": number}`)
    }
    const call = { name: data.name, arguments: data.arguments ?? {} }
    return conversation.actionOf(this.#environment, call)
  }

  #observed(step: Step, text: string | null, info: Observation['info']): Observed {
    const { reward, terminated, truncated } = step
    const mask = this.#environment.mask()
    const observation = {
      vector: [...this.#seen],
      text,
      mask: mask && [...mask],
      terminated,
      truncated,
      info,
    }
    return { observation, reward, done: terminated || truncated }
  }
}

/** Of the training split. */
const drawn = (): number => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
