/** A process of many readers of one run, which measures how old each message is when it arrives. */
import { Reader } from './websocket.ts'

export interface Watch {
  readonly origin: string
  readonly path: string
  readonly readers: number
  /** Readers that open the socket and never read from it. */
  readonly stalled: number
}

export type FromSubscribers =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string }
  | {
      readonly type: 'done'
      readonly latenciesMs: Float64Array
      /** Over all readers. */
      readonly messages: number
      readonly points: number
      /** Readers that were closed before the end. */
      readonly closed: number
      readonly cpuSeconds: number
    }

const tell = (message: FromSubscribers): void => {
  process.send?.(message)
}

/** Points carry the time they were logged as their value. */
const valueKey = Buffer.from('"value":')
const capacity = 4_000_000
const latencies = new Float64Array(capacity)
let messages = 0
let points = 0
let closed = 0

const message = (payload: Buffer): void => {
  const first = payload.indexOf(valueKey)
  for (let at = first; at >= 0; at = payload.indexOf(valueKey, at + 1)) points++
  const at = first + valueKey.length
  const loggedMs = Number.parseFloat(payload.toString('latin1', at, at + 24))
  latencies[messages++ % capacity] = performance.timeOrigin + performance.now() - loggedMs
}

const watch = async ({ origin, path, readers, stalled }: Watch): Promise<void> => {
  const events = { message, closed: () => void closed++ }
  for (let i = 0; i < readers; i++) await Reader.open(origin, path, events)
  const ignore = { message: () => {}, closed: () => {} }
  for (let i = 0; i < stalled; i++) (await Reader.open(origin, path, ignore)).stall()
  tell({ type: 'ready' })
}

process.on('message', (command: Watch | 'report') => {
  if (command === 'report') {
    const { user, system } = process.cpuUsage()
    const cpuSeconds = (user + system) / 1e6
    const latenciesMs = latencies.slice(0, Math.min(messages, capacity))
    return tell({ type: 'done', latenciesMs, messages, points, closed, cpuSeconds })
  }
  watch(command).catch((error: Error) => tell({ type: 'failed', message: error.message }))
})
