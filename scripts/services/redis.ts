/** Finds a Redis server for the tests, or starts a private one that ends with them. */
import { RedisClient } from 'bun'
import { aptInstall } from './apt.ts'
import { freePort, waitUntil } from '../port.ts'
import { found, type Service } from './service.ts'

const name = 'Redis'

export const redis = async (): Promise<Service> => {
  const given = process.env['TEST_REDIS_URL']
  const url = given ?? 'redis://127.0.0.1:6379'
  const server = Bun.which('redis-server')
  // The fault tests kill servers of their own, so the program is needed even where one runs.
  if (!server) await aptInstall('redis-server')
  if (await answers(url)) return found(name, `found at ${url}`, { TEST_REDIS_URL: url })
  if (given) throw new Error(`TEST_REDIS_URL=${given} does not answer`)
  const own = await startRedis(freePort())
  return {
    name,
    note: `started at ${own.url}`,
    env: { TEST_REDIS_URL: own.url },
    stop: own.stop,
  }
}

export interface PrivateRedis {
  readonly url: string
  stop(): Promise<void>
}

/** Starts a server that keeps nothing on disk; resolves when it answers. */
export const startRedis = async (port: number): Promise<PrivateRedis> => {
  const child = Bun.spawn(
    ['redis-server', '--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', '/tmp'],
    { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
  )
  const url = `redis://127.0.0.1:${port}`
  await waitUntil(name, () => answers(url))
  return {
    url,
    async stop() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}

const answers = async (url: string): Promise<boolean> => {
  const client = new RedisClient(url, { connectionTimeout: 2000, autoReconnect: false })
  try {
    await client.connect()
    return (await client.send('PING', [])) === 'PONG'
  } catch {
    return false
  } finally {
    client.close()
  }
}
