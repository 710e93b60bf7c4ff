/** The server's own node: the same agent as everywhere, its requests never leaving the process. */
import { join, resolve } from 'node:path'
import { type Agent, createAgent, standardExecutors, type Transport } from '../../runners/agent.ts'
import { readIfThere, writeDurably } from '../../runners/agent/durable-file.ts'
import type { Jobs } from '../jobs/service.ts'
import { sdkVersion } from '../kernel/boot.ts'
import { systemClock } from '../kernel/clock.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Logger } from '../kernel/log.ts'

export interface OwnAgentOptions {
  readonly kernel: Kernel
  readonly dataDir: string
  /** Jobs at once; absent: one for each processor. */
  readonly slots: number | undefined
  readonly log: Logger
}

/** Null when the server has no jobs, or is to run none itself. */
export const startOwnAgent = async (options: OwnAgentOptions): Promise<Agent | null> => {
  const { kernel, slots, log } = options
  const jobs = kernel.assembly().slots.get('jobs')?.instance?.contributions.services?.['jobs'] as
    Jobs | undefined
  if (!jobs || slots === 0) return null
  const stateDir = resolve(options.dataDir, 'node')
  // The credential is made anew at each start and lives in memory; only the name is kept.
  const idFile = join(stateDir, 'id')
  const known = (await readIfThere(idFile))?.trim()
  const { node, credential } = await jobs.ownNode(known || undefined)
  if (node !== known) await writeDurably(idFile, `${node}\n`)
  const { executors, pythonPath } = await standardExecutors(stateDir)
  const agent = await createAgent({
    stateDir,
    transport: inProcess(kernel),
    credential,
    version: sdkVersion,
    executors,
    pythonPath,
    log: log.with({ part: 'node' }),
    clock: systemClock,
    labels: ['local'],
    ...(slots !== undefined && { slots }),
  })
  agent.run().catch((error: Error) => {
    log.error('the server’s own node has stopped', { reason: error.message })
  })
  return agent
}

/** Nobody is at the other end of a request that never was on a wire. */
const socket = {
  upgrade: () => false,
  requestIP: () => ({ address: '127.0.0.1', port: 0, family: 'IPv4' as const }),
}

const inProcess =
  (kernel: Kernel): Transport =>
  async (path, init) => {
    const { signal, ...rest } = init
    signal?.throwIfAborted()
    const aborted = Promise.withResolvers<never>()
    const abort = () => aborted.reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const request = new Request(`http://localhost${path}`, { ...rest, ...(signal && { signal }) })
      const answer = kernel.dispatch(request, socket)
      // Whoever gave up is told at once; what the server still does ends by itself.
      answer.catch(() => undefined)
      return (await Promise.race([answer, aborted.promise])) as Response
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }
