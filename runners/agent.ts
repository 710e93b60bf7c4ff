/** The program that owns a node: joins a server, takes its work, and sees every attempt through. */
import { join } from 'node:path'
import type { Capacity } from '../src/jobs/protocol.ts'
import type { Clock, Logger } from '../src/sdk.ts'
import { openAttemptStore } from './agent/attempt-store.ts'
import { nextBoot } from './agent/boot.ts'
import { measureCapacity } from './agent/capacity.ts'
import { Executors } from './agent/executors.ts'
import { Loop } from './agent/loop.ts'
import type { Preparation } from './agent/node-context.ts'
import { openPreparation } from './agent/preparation.ts'
import { createWire, type Transport } from './agent/wire.ts'
import type { Executor } from './executor.ts'
import { monotonicMs } from './monotonic.ts'

export type { Transport } from './agent/wire.ts'
export { standardExecutors } from './agent/standard-executors.ts'

export interface AgentOptions {
  /** Everything the node keeps; one agent at a time may use it. */
  readonly stateDir: string
  readonly transport: Transport
  /** `hnode_...`, as joining gave it. */
  readonly credential: string
  /** Of this program, for people. */
  readonly version: string
  /** In the order of preference. */
  readonly executors: readonly Executor[]
  readonly log: Logger
  readonly clock: Clock
  readonly slots?: number
  readonly labels?: readonly string[]
  readonly pythonPath?: readonly string[]
  /** Stand-ins for tests and simulations. */
  readonly random?: () => number
  readonly monotonicMs?: () => number
  readonly capacity?: () => Promise<Capacity>
  readonly preparation?: Preparation
}

export interface Agent {
  /**
   * Works until `stop`, or after `drain` until nothing is left.
   * @throws RevokedError, OutdatedError: only its owner can help
   */
  run(): Promise<void>
  /** Takes no new work; what runs is seen through by `run`. */
  drain(): void
  /** Leaves at once; what runs goes on under its shims, and the next agent takes it up. */
  stop(): Promise<void>
}

export const createAgent = async (options: AgentOptions): Promise<Agent> => {
  const { stateDir, clock, log, random = Math.random } = options
  const executors = new Executors(options.executors, { clock, log })
  const wire = createWire(options.transport, options.credential, clock)
  const pythonPath = options.pythonPath ?? []
  const preparation = options.preparation ?? (await openPreparation({ wire, stateDir, pythonPath }))
  const { slots, labels = [] } = options
  const wanted = { labels, ...(slots !== undefined && { slots }) }
  const loop = new Loop({
    node: {
      wire,
      clock,
      log,
      random,
      monotonicMs: options.monotonicMs ?? monotonicMs,
      store: await openAttemptStore(join(stateDir, 'attempts')),
      executors,
      preparation,
    },
    boot: await nextBoot(stateDir),
    version: options.version,
    async capacity() {
      if (!options.capacity) return measureCapacity(executors, wanted)
      await executors.probe()
      return options.capacity()
    },
  })
  return loop
}
