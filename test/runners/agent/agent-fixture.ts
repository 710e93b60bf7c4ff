/** An agent over a fake server, in a folder that goes away with the test. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, type AgentOptions, createAgent } from '../../../runners/agent.ts'
import type { Executor } from '../../../runners/executor.ts'
import { type Clock, systemClock } from '../../../src/kernel/clock.ts'
import { silentLogger } from '../../../src/kernel/log.ts'
import { FakeServer } from './fake-server.ts'

/** Waits for a tenth of the time: what takes long in a network is over soon in a test. */
export const hurriedClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, work) => systemClock.after(delayMs / 10, work),
  every: (periodMs, work) => systemClock.every(periodMs / 10, work),
}

export interface AgentUnderTest {
  readonly server: FakeServer
  readonly stateDir: string
  /** Starts one more agent on the same folder, as after a restart. */
  start(options?: Partial<AgentOptions>): Promise<Agent>
  attemptsOnDisk(): Promise<string[]>
  [Symbol.asyncDispose](): Promise<void>
}

export const agentUnderTest = async (executor: Executor): Promise<AgentUnderTest> => {
  const server = new FakeServer()
  const stateDir = await mkdtemp(join(tmpdir(), 'hearth-agent-'))
  const agents: { agent: Agent; running: Promise<void> }[] = []
  return {
    server,
    stateDir,
    async start(options = {}) {
      const agent = await createAgent({
        stateDir,
        transport: server.transport,
        credential: 'hnode_1',
        version: '1.0.0',
        executors: [executor],
        log: silentLogger,
        clock: hurriedClock,
        slots: 4,
        ...options,
      })
      const running = agent.run()
      running.catch(() => undefined)
      agents.push({ agent, running })
      return agent
    },
    attemptsOnDisk: () => readdir(join(stateDir, 'attempts')),
    async [Symbol.asyncDispose]() {
      await Promise.all(agents.map(({ agent }) => agent.stop()))
      await Promise.allSettled(agents.map(({ running }) => running))
      await rm(stateDir, { recursive: true, force: true })
    },
  }
}
