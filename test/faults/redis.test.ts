/** Redis goes away and comes back between two servers: logging goes on, watchers miss nothing. */
import { expect } from 'bun:test'
import { callJson, signUp, startHearth } from '../../scripts/hearth.ts'
import { freePort, waitUntil } from '../../scripts/port.ts'
import { startRedis } from '../../scripts/services/redis.ts'
import { temporaryDatabase, temporaryFolder } from '../../scripts/temporary.ts'
import { testWith } from './needs.ts'
import { makeRuns } from './reading.ts'

testWith('postgres', 'redis')(
  'a watcher on one server sees what another server was told, across an outage of Redis',
  async () => {
    await using database = await temporaryDatabase()
    await using folderA = await temporaryFolder()
    await using folderB = await temporaryFolder()
    const port = freePort()
    let redis = await startRedis(port)
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.url, RATE_LIMITS: 'off' }
    const a = await startHearth({ dataDir: folderA.path, env })
    const b = await startHearth({ dataDir: folderB.path, env })
    try {
      const token = await signUp(a.origin)
      const [runId = 0] = await makeRuns(a.origin, token, 1)
      const watcher = watch(`${b.origin}/ws/${runId}?token=${token}`)
      await watcher.opened
      let step = 0
      const log = async (count: number) => {
        for (let i = 0; i < count; i++) {
          const body = { name: 'loss', value: step, step }
          await callJson(a.origin, token, 'POST', `/metrics/${runId}`, body)
          step++
        }
      }
      const all = () => Array.from({ length: step }, (_, index) => index)

      await log(20)
      await waitUntil('points over Redis', () => watcher.steps().length >= 20)
      expect(watcher.steps()).toEqual(all())
      await redis.stop()
      await log(20)
      expect((await fetch(`${b.origin}/health`)).status).toBe(200)
      redis = await startRedis(port)
      // A point now and then, as training does: the first that gets through shows the gap.
      await waitUntil('the gap to be filled', async () => {
        await log(1)
        return watcher.steps().length >= 40
      })
      await waitUntil('everything', () => watcher.steps().length === step)
      expect(watcher.steps()).toEqual(all())
    } finally {
      await a.end('SIGKILL')
      await b.end('SIGKILL')
      await redis.stop()
    }
  },
  120_000,
)

interface Point {
  readonly id: number
  readonly step: number
}

/** Reads a run's socket; when it is closed, comes back with the cursor of the last point. */
const watch = (url: string) => {
  const points: Point[] = []
  const opened = Promise.withResolvers<void>()
  const connect = () => {
    const last = points.at(-1)
    const socket = new WebSocket(last ? `${url}&since=${last.id}` : url)
    socket.onopen = () => opened.resolve()
    socket.onmessage = ({ data }) => void points.push(JSON.parse(String(data)) as Point)
    socket.onclose = ({ code }) => {
      if (code === 1012 || code === 1013) connect()
    }
  }
  connect()
  return { opened: opened.promise, steps: () => points.map(({ step }) => step) }
}
