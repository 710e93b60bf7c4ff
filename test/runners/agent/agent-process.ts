/** An agent in a process of its own, that kills itself at the point it is told. */
import { createAgent, standardExecutors, type Transport } from '../../../runners/agent.ts'
import { httpTransport } from '../../../runners/agent/http-transport.ts'
import type { Executor } from '../../../runners/executor.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { silentLogger } from '../../../src/kernel/log.ts'

const [server = '', stateDir = '', killAt = ''] = process.argv.slice(2)

/** `before start`, `after log`: the first time that it comes there. */
const reach = (point: string): void => {
  if (point === killAt) process.kill(process.pid, 'SIGKILL')
}

const over = httpTransport({ server, env: {} })
const transport: Transport = async (path, init) => {
  const verb = /\/blobs\//.test(path)
    ? 'blob'
    : (path.split(/[/?]/).findLast((part) => /^[a-z]+$/.test(part)) ?? '')
  reach(`before ${verb}`)
  const reply = await over(path, init)
  reach(`after ${verb}`)
  return reply
}

const dying = (executor: Executor): Executor => ({
  ...executor,
  async start(folder, env) {
    reach('before spawn')
    const handle = await executor.start(folder, env)
    reach('after spawn')
    return handle
  },
  async wait(handle) {
    const outcome = await executor.wait(handle)
    reach('after exit')
    return outcome
  },
  async destroy(handle) {
    reach('before destroy')
    await executor.destroy(handle)
    reach('after destroy')
  },
})

const { executors, pythonPath } = await standardExecutors(stateDir)
const agent = await createAgent({
  stateDir,
  transport,
  credential: 'hnode_1',
  version: '1.0.0',
  executors: executors.map(dying),
  pythonPath,
  log: silentLogger,
  clock: systemClock,
  slots: 2,
})
process.on('SIGTERM', () => void agent.stop())
await agent.run()
