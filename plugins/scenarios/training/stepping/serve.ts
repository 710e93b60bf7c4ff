/**
 * Serves the environments of a training to a program beside it, which learns in its own way: a
 * line of JSON each way for a step of all of them; floats are base64 of little-endian float32.
 */
import type { Scenario, Split } from '../../environment.ts'
import { evaluate } from '../../learning/evaluate.ts'
import { Policy } from '../../models/policy.ts'
import { bytesOf, type PolicyLayer } from '../../models/policy-file.ts'
import { measureBaselines } from '../baselines.ts'
import { evaluationMetrics } from '../evaluation.ts'
import { leaveModel, policyOf } from '../leave-model.ts'
import { scheduleOf, type TrainingSettings, usualLooks } from '../settings.ts'
import { Seats, type SeatsState } from './seats.ts'

export type Asked =
  | { readonly type: 'open' }
  | { readonly type: 'baselines' }
  | { readonly type: 'step'; readonly actions: readonly number[] }
  | { readonly type: 'save' }
  | { readonly type: 'load'; readonly state: SeatsState }
  | { readonly type: 'evaluate'; readonly layers: readonly PolicyLayer[]; readonly isLast: boolean }
  | {
      readonly type: 'leave'
      readonly layers: readonly PolicyLayer[]
      readonly digest: string
      readonly episodes: number
    }

export class SteppingServer {
  readonly #scenario: Scenario
  readonly #settings: TrainingSettings
  readonly #folder: string
  readonly #seats: Seats

  /** The model is left in `folder`. */
  constructor(scenario: Scenario, settings: TrainingSettings, folder: string) {
    const { environments } = scheduleOf(settings, scenario.spec)
    this.#scenario = scenario
    this.#settings = settings
    this.#folder = folder
    this.#seats = new Seats(scenario, environments, settings.seed)
  }

  /** @throws Error what was wrong with what was asked */
  answer(asked: Asked): object {
    const { spec } = this.#scenario
    switch (asked.type) {
      case 'open':
        return { spec, schedule: scheduleOf(this.#settings, spec), ...this.#now() }
      case 'baselines':
        return measureBaselines(this.#scenario, this.#looks.validation)
      case 'step': {
        const { last, ...stepped } = this.#seats.step(asked.actions)
        return { ...stepped, last: bytesOf(last), ...this.#now() }
      }
      case 'save':
        return { state: this.#seats.state }
      case 'load':
        this.#seats.state = asked.state
        return this.#now()
      case 'evaluate': {
        const { validation, last } = this.#looks
        const found = this.#evaluate(asked.layers, 'validation', asked.isLast ? last : validation)
        return evaluationMetrics(found)
      }
      case 'leave': {
        const { layers, digest, episodes } = asked
        const test = this.#evaluate(layers, 'test', this.#looks.last)
        const left = { layers, settings: this.#settings, digest, episodes, test }
        return { paths: leaveModel(this.#scenario, this.#folder, left) }
      }
      default:
        throw new Error(`Nobody knows ${(asked as { type: string }).type}`)
    }
  }

  get #looks() {
    return this.#scenario.evaluations ?? usualLooks
  }

  #now() {
    const masks = this.#seats.masks()
    return {
      seen: bytesOf(this.#seats.seen),
      masks: masks && Buffer.from(masks).toString('base64'),
    }
  }

  #evaluate(layers: readonly PolicyLayer[], split: Split, episodes: number) {
    const policy = new Policy(policyOf(this.#scenario, layers))
    return evaluate((seen, environment) => policy.act(seen, environment.mask()).action, {
      scenario: this.#scenario,
      split,
      episodes,
    })
  }
}

/** Until there are no more lines. Answers the exit code. */
export const serveSteps = async (
  server: SteppingServer,
  lines: AsyncIterable<string>,
  write: (line: string) => unknown,
): Promise<number> => {
  for await (const line of lines) {
    const answered = (() => {
      try {
        return server.answer(JSON.parse(line) as Asked)
      } catch (error) {
        return { error: (error as Error).message }
      }
    })()
    write(`${JSON.stringify(answered)}\n`)
  }
  return 0
}
