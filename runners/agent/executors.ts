/** Which of a node's executors runs a plan: the one that proved the level asked for, or none. */
import { type Plan, type SandboxLevel, sandboxLevels } from '../../src/jobs/protocol.ts'
import type { Clock, Logger } from '../../src/sdk.ts'
import type { Executor, Probe } from '../executor.ts'
import { within } from './pause.ts'

export type Choice =
  | { readonly executor: Executor }
  /** Why this node cannot run the plan as demanded. */
  | { readonly refused: string }

/** A container engine that hangs must not keep the others from working. */
const patienceMs = 15_000

export class Executors {
  readonly #all: readonly Executor[]
  readonly #clock: Clock
  readonly #log: Logger
  readonly #ready = Promise.withResolvers<void>()
  #probes: readonly (readonly [Executor, Probe])[] = []

  constructor(all: readonly Executor[], { clock, log }: { clock: Clock; log: Logger }) {
    this.#all = all
    this.#clock = clock
    this.#log = log
  }

  async probe(): Promise<void> {
    const before = this.sandboxes
    this.#probes = await Promise.all(
      this.#all.map(async (executor) => [executor, await this.#ask(executor)] as const),
    )
    this.#ready.resolve()
    const lost = before.filter((level) => !this.sandboxes.includes(level))
    for (const level of lost) {
      this.#log.warn('this node lost a sandbox', { level, reason: this.#whyNot(level) })
    }
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
    const why = this.#whyNot(level)
    return { refused: `This node has no sandbox ${level}${why && `: ${why}`}` }
  }

  #whyNot(level: SandboxLevel): string {
    return this.#probes.flatMap(([, { reasons }]) => reasons[level] ?? []).join('; ')
  }

  #ask(executor: Executor): Promise<Probe> {
    const { promise, resolve } = Promise.withResolvers<Probe>()
    const reason = `${executor.name} does not answer what it can do`
    const reasons = Object.fromEntries(sandboxLevels.map((level) => [level, reason]))
    return within(this.#clock, patienceMs, undefined, (signal) => {
      signal.addEventListener('abort', () => resolve({ sandboxes: [], reasons }))
      return Promise.race([executor.probe(), promise])
    })
  }
}

const levelOf = (plan: Plan): SandboxLevel => plan.sandbox ?? (plan.image ? 'docker' : 'none')
