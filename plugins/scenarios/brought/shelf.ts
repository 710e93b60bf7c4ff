/** Scenarios that other plugins bring: taken in, and handed to jobs as bundles. */
import { HearthError, type Jobs, type Who } from '../../../src/sdk.ts'
import { type Catalogue, scenarioOf } from '../catalogue.ts'
import type { Scenario } from '../environment.ts'
import type { ScenarioSource } from '../outside/definition.ts'
import type { BroughtScenario, Scenarios } from '../service.ts'
import { bundleOf, load } from './module.ts'

export class Shelf implements Scenarios {
  readonly #catalogue: Catalogue
  readonly #jobs: Jobs
  readonly #bundles = new WeakMap<Scenario, Uint8Array>()

  constructor(catalogue: Catalogue, jobs: Jobs) {
    this.#catalogue = catalogue
    this.#jobs = jobs
  }

  async bring(path: string): Promise<BroughtScenario> {
    const { bytes, sha256, scenario } = await loaded(path)
    const { id } = scenario.spec
    if (scenarioOf(id)) throw new HearthError('conflict', `${id} is a built-in scenario`)
    const source = { kind: 'module', sha256, sizeBytes: bytes.length } as const
    const brought = { ...scenario, source }
    this.#bundles.set(brought, bytes)
    this.#catalogue.bring(brought)
    return {
      id,
      hash: sha256,
      remove: () => this.#catalogue.forget(brought),
    }
  }

  /** How a job of `who` comes by it; undefined: it is part of the program. */
  async sourceFor(who: Who, scenario: Scenario): Promise<ScenarioSource | undefined> {
    const bytes = this.#bundles.get(scenario)
    if (bytes) await this.#jobs.bytes.addInput(who, bytes)
    return scenario.source
  }
}

const loaded = async (path: string) => {
  try {
    const bundle = await bundleOf(path)
    return { ...bundle, ...(await load(bundle)) }
  } catch (error) {
    throw new HearthError('validation', error instanceof Error ? error.message : String(error))
  }
}
