/** Which Python programs get, and what it can import: found out once, by a small job. */
import { HearthError, type Jobs, type JobView, type Logger } from '../../../src/sdk.ts'
import type { Plan, Who } from '../../../src/sdk.ts'
import type { Ends } from './ends.ts'
import type { StepRequest } from './executor.ts'
import { warmImports } from './warm-imports.ts'

export interface Environment {
  readonly python: string | null
  readonly requirements: readonly string[]
}

type Wanted = Pick<StepRequest, 'requirements' | 'sandbox'>

export interface EnvironmentsOptions {
  readonly jobs: Jobs
  readonly log: Logger
  readonly ends: Ends
  readonly python: string | null
  readonly requirements: readonly string[]
  submit(
    who: Who,
    plan: Plan,
    name: string,
    key: string,
    projectId: number | null,
  ): Promise<JobView>
}

interface Known {
  readonly environment: Environment
  readonly packages: Readonly<Record<string, string>>
}

/** Programs cannot even begin: what they were to be run with is not to be had. */
export class NoEnvironment extends HearthError {}

const listing = `
import json
from importlib.metadata import distributions
found = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]}
print(json.dumps(found))
`

/** For a build of an environment that was never made before. */
const buildMs = 30 * 60_000

/** Nodes may come back after a restart of the server; one with another sandbox will not. */
const patienceMs = 60_000

export class Environments {
  readonly #options: EnvironmentsOptions
  readonly #known = new Map<string, Promise<Known>>()

  constructor(options: EnvironmentsOptions) {
    this.#options = options
  }

  /** @throws NoEnvironment */
  async of(
    who: Who,
    wanted: Wanted,
  ): Promise<Environment & { readonly warmImports: readonly string[] }> {
    const { environment, packages } = await this.#find(who, wanted)
    return { ...environment, warmImports: warmImports(packages) }
  }

  async packages(who: Who, wanted: Wanted): Promise<Known['packages']> {
    return (await this.#find(who, wanted)).packages
  }

  #find(who: Who, wanted: Wanted): Promise<Known> {
    const key = JSON.stringify([who.id, wanted.sandbox, wanted.requirements])
    const known = this.#known.get(key) ?? this.#ask(who, wanted)
    this.#known.set(key, known)
    known.catch(() => this.#known.delete(key))
    return known
  }

  async #ask(who: Who, { requirements, sandbox }: Wanted): Promise<Known> {
    const { python, requirements: usual, log } = this.#options
    const list = (environment: Environment) => this.#list(who, environment, sandbox)
    if (requirements.length > 0) return list({ python: null, requirements })
    if (python !== null) return list({ python, requirements: [] })
    try {
      return await list({ python: null, requirements: usual })
    } catch (error) {
      // No package index can be reached: what the node's own Python has must do.
      log.warn('The usual Python packages could not be had', { error })
      return list({ python: 'python3', requirements: [] })
    }
  }

  async #list(who: Who, environment: Environment, sandbox: StepRequest['sandbox']): Promise<Known> {
    const { jobs, ends } = this.#options
    const { python, requirements } = environment
    const plan: Plan = {
      command: [python ?? 'python', '-c', listing],
      ...(python === null && { python: { requirements: [...requirements] } }),
      sandbox,
      limits: { wallMs: buildMs },
      graceMs: 1_000,
    }
    const key = `experiments packages ${crypto.randomUUID()}`
    const { id } = await this.#options.submit(who, plan, 'packages of experiments', key, null)
    const job = await ends.of(who, id, patienceMs)
    if (job.state === 'queued') await jobs.cancel(who, id)
    const text = new TextDecoder().decode(await jobs.bytes.read(who, id, 'log'))
    await jobs.remove(who, id)
    if (job.state !== 'succeeded') {
      const { state, detail, outcome } = job
      const reason = (state === 'queued' ? detail : outcome?.message) ?? text.trim()
      // Packages that an experiment names are its owner's mistake, all else is the server's.
      const isOwners = requirements.length > 0 && requirements !== this.#options.requirements
      const isRefused = isOwners && outcome?.reason === 'prepare_failed'
      const code = isRefused ? 'validation' : 'unavailable'
      throw new NoEnvironment(code, `No Python for the programs: ${reason}`)
    }
    return { environment, packages: JSON.parse(text) as Record<string, string> }
  }
}
