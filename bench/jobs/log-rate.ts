/** How fast the output of a job gets from a real agent to the server. */
import { join } from 'node:path'
import { waitUntil } from '../../scripts/port.ts'
import { type BenchServer, type JobAnswer, untilSucceeded } from './server.ts'

const main = join(import.meta.dir, '../../src/main.ts')
const line = 'step 1234 loss 0.123456789 accuracy 0.987654321 learning rate 0.0003 tokens 123456789'

export interface Agent {
  stop(): Promise<void>
}

/** A process of its own, so that the bytes go over a socket. */
export const startAgent = async (server: BenchServer): Promise<Agent> => {
  const options = ['--server', server.origin, '--token', await server.joinToken()]
  const child = Bun.spawn(
    [process.execPath, main, 'agent', ...options, '--state', join(server.folder, 'agent')],
    {
      env: { PATH: process.env['PATH'], HOME: server.folder, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  await waitUntil('the agent', async () => {
    const nodes = await server.ask<{ state: string }[]>('GET', '/api/nodes')
    return nodes.some(({ state }) => state === 'online')
  })
  return {
    async stop() {
      child.kill()
      await child.exited
    },
  }
}

/** Megabytes a second, from handing in to the end of the job with all its log. */
export const measureLogRate = async (server: BenchServer, bytes: number): Promise<number> => {
  const begun = performance.now()
  const { id } = await server.ask<JobAnswer>('POST', '/api/jobs', {
    plan: {
      command: ['/bin/sh', '-c', `yes "${line}" | head -c ${bytes}`],
      limits: { logBytes: 2 * bytes },
    },
  })
  await untilSucceeded(server, id)
  const seconds = (performance.now() - begun) / 1000
  const reply = await fetch(`${server.origin}/api/jobs/${id}/logs?limit=1`)
  const size = Number(reply.headers.get('x-log-size'))
  if (size !== bytes) throw new Error(`The log has ${size} of ${bytes} bytes`)
  await fetch(`${server.origin}/api/jobs/${id}`, { method: 'DELETE' })
  return bytes / 1e6 / seconds
}
