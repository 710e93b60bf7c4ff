/** Which of a node's executors runs a plan: the one that proved the level asked for, or none. */
import type { Plan, SandboxLevel } from '../../src/jobs/protocol.ts'
import type { Executor, Probe } from '../executor.ts'

export type Choice =
  | { readonly executor: Executor }
  /** Why this node cannot run the plan as demanded. */
  | { readonly refused: string }

export class Executors {
  readonly #all: readonly Executor[]
  readonly #ready = Promise.withResolvers<void>()
  #probes: readonly (readonly [Executor, Probe])[] = []

  constructor(all: readonly Executor[]) {
    this.#all = all
  }

  async probe(): Promise<void> {
    this.#probes = await Promise.all(
      this.#all.map(async (executor) => [executor, await executor.probe()] as const),
    )
    this.#ready.resolve()
  }

  /** The levels that were proven, weakest first. */
  get sandboxes(): SandboxLevel[] {
    return [...new Set(this.#probes.flatMap(([, probe]) => probe.sandboxes))]
  }

  named(name: string): Executor | undefined {
    return this.#all.find((executor) => executor.name === name)
  }

  /**
   * Waits for the first probe, except for what has begun already.
   * @param name of the executor that began it
   */
  async choose(plan: Plan, name?: string): Promise<Choice> {
    const begun = name === undefined ? undefined : this.named(name)
    if (begun) return { executor: begun }
    await this.#ready.promise
    const level = levelOf(plan)
    const found = this.#probes.find(([, probe]) => probe.sandboxes.includes(level))
    if (found) return { executor: found[0] }
    const reasons = this.#probes.flatMap(([, probe]) => probe.reasons[level] ?? [])
    const why = reasons.length > 0 ? `: ${reasons.join('; ')}` : ''
    return { refused: `This node has no sandbox ${level}${why}` }
  }
}

const levelOf = (plan: Plan): SandboxLevel => plan.sandbox ?? (plan.image ? 'docker' : 'none')
