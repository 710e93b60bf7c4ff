/** Where scenarios come from: built in, brought by plugins, and from outside. The one to ask. */
import { HearthError, type Who } from '../../src/sdk.ts'
import { builtIn } from './environments/built-in.ts'
import type { Scenario } from './environment.ts'

/** Those that every copy of the program has. */
export const scenarios: readonly Scenario[] = builtIn

export const scenarioOf = (id: string): Scenario | undefined =>
  scenarios.find(({ spec }) => spec.id === id)

/** Scenarios whose environments are other programs: told of here, made in jobs only. */
export interface OutsideScenarios {
  /** Those that are ready and that `who` may see, in the order they came. */
  list(who: Who): Promise<readonly Scenario[]>
  get(who: Who, id: string): Promise<Scenario | null>
}

const nobody: OutsideScenarios = {
  list: async () => [],
  get: async () => null,
}

export class Catalogue {
  readonly #brought = new Map<string, Scenario>()
  readonly #outside: OutsideScenarios

  constructor(outside = nobody) {
    this.#outside = outside
  }

  /** One that this process can play: built in, or brought by a plugin. */
  find(id: string): Scenario | undefined {
    return scenarioOf(id) ?? this.#brought.get(id)
  }

  /** @throws HearthError `not_found`, also for one from outside that is somebody else's */
  async get(who: Who, id: string): Promise<Scenario> {
    const scenario = this.find(id) ?? (await this.#outside.get(who, id))
    if (!scenario) throw new HearthError('not_found', 'Scenario not found')
    return scenario
  }

  async list(who: Who): Promise<readonly Scenario[]> {
    return [...scenarios, ...this.#brought.values(), ...(await this.#outside.list(who))]
  }

  /** Takes in what a plugin brings; a newer one of the same id takes its place. */
  bring(scenario: Scenario): void {
    this.#brought.set(scenario.spec.id, scenario)
  }

  /** Forgets it, unless another one has taken its place. */
  forget(scenario: Scenario): void {
    const { id } = scenario.spec
    if (this.#brought.get(id) === scenario) this.#brought.delete(id)
  }
}
