/** Rows of the table: how long after it was logged a point reaches everyone who watches the run. */
import { join } from 'node:path'
import { Connection, encodeRequest } from '../../scripts/http.ts'
import type { FromSubscribers, Watch } from '../subscribers.ts'
import { quantile } from '../table.ts'
import type { Scale } from './scale.ts'
import { type HearthTarget, memoryBytes } from './target.ts'

export interface LiveFigures {
  readonly p99Ms: number
  readonly points: number
  readonly expected: number
  readonly closed: number
  readonly memoryBeforeBytes: number
  readonly memoryAfterBytes: number
}

/** A training loop of ten metrics a step and a hundred steps a second: 1,000 points a second. */
const names = 10
const stepsPerSecond = 100

export const measureLive = async (
  target: HearthTarget,
  scale: Scale,
  format: 'batch' | 'single',
  stalled: number,
): Promise<LiveFigures> => {
  const runId = await target.createRun(`live ${format}`)
  const query = `token=${target.token}${format === 'batch' ? '&format=batch' : ''}`
  const path = `/ws/${runId}?${query}`
  const watch = { origin: target.origin, path, readers: scale.subscribers, stalled }
  const subscribers = await subscribe(watch)
  const memoryBeforeBytes = await memoryBytes(target.hearth.pid)
  const steps = await publish(target, runId, scale.liveSeconds)
  const expected = steps * names * scale.subscribers
  const report = await subscribers.report()
  const memoryAfterBytes = await memoryBytes(target.hearth.pid)
  return {
    p99Ms: quantile(report.latenciesMs, 0.99),
    points: report.points,
    expected,
    closed: report.closed,
    memoryBeforeBytes,
    memoryAfterBytes,
  }
}

/** Logs on an even beat, however late the replies are. Answers how many steps were logged. */
const publish = async (
  { origin, token }: HearthTarget,
  runId: string,
  seconds: number,
): Promise<number> => {
  const connections = await Promise.all(Array.from({ length: 8 }, () => Connection.open(origin)))
  const steps = seconds * stepsPerSecond
  const begun = performance.now()
  let next = 0
  const lane = async (connection: Connection) => {
    while (next < steps) {
      const step = next++
      await Bun.sleep(Math.max(0, begun + (step * 1000) / stepsPerSecond - performance.now()))
      const value = performance.timeOrigin + performance.now()
      const metrics = Object.fromEntries(
        Array.from({ length: names }, (_, i) => [`train/metric_${i}`, value]),
      )
      const path = `/metrics/${runId}/batch`
      const body = JSON.stringify({ metrics, step })
      const reply = await connection.send(
        encodeRequest(origin, { method: 'POST', path, token, body }),
      )
      if (reply.status !== 200) throw new Error(`${reply.status} ${reply.body}`)
    }
    connection.close()
  }
  await Promise.all(connections.map(lane))
  await Bun.sleep(1000)
  return steps
}

type Report = Extract<FromSubscribers, { type: 'done' }>

const subscribe = (watch: Watch): Promise<{ report(): Promise<Report> }> =>
  new Promise((resolve, reject) => {
    const reported = Promise.withResolvers<Report>()
    const child = Bun.spawn([process.execPath, join(import.meta.dir, '../subscribers.ts')], {
      stdio: ['ignore', 'inherit', 'inherit'],
      serialization: 'advanced',
      ipc(message: FromSubscribers) {
        if (message.type === 'failed') reject(new Error(message.message))
        if (message.type === 'done') {
          reported.resolve(message)
          child.kill()
        }
        if (message.type === 'ready')
          resolve({
            report() {
              child.send('report')
              return reported.promise
            },
          })
      },
    })
    child.send(watch)
  })
