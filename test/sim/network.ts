/** The way between a node and the server: late, lossy, doubled, out of order, or cut. */
import type { Transport } from '../../runners/agent.ts'
import { type Life, never, stirred } from './life.ts'
import type { Chance } from './random.ts'
import type { SimServer } from './server.ts'
import type { VirtualTime } from './time.ts'

export interface Weather {
  readonly loseRequest: number
  readonly loseReply: number
  readonly double: number
  readonly maxDelayMs: number
}

export const calmWeather: Weather = { loseRequest: 0, loseReply: 0, double: 0, maxDelayMs: 5 }

export interface Link {
  weather: Weather
  isCut: boolean
}

export interface NetworkOptions {
  readonly time: VirtualTime
  readonly server: SimServer
  readonly link: Link
  readonly chance: Chance
  readonly life: Life
  /** Every reply that reached its node. */
  readonly answered: (path: string, status: number) => void
}

export const transportOf = (options: NetworkOptions): Transport => {
  const { time, server, link, chance, life } = options
  const pass = () =>
    new Promise<void>((resolve) => {
      time.after(chance.between(0, link.weather.maxDelayMs), resolve)
    })

  /** What arrives at the server; the other side may hang up without anybody telling it. */
  const deliver = async (path: string, init: RequestInit, signal: AbortSignal) => {
    await pass()
    if (link.isCut || chance.happens(link.weather.loseRequest)) return never
    if (!server.isUp) throw new Error('Connection refused')
    const isNoticed = chance.happens(0.7)
    return server.answer(path, { ...init, signal: isNoticed ? signal : null })
  }

  const round = async (path: string, init: RequestInit, signal: AbortSignal) => {
    if (chance.happens(link.weather.double)) {
      void deliver(path, init, new AbortController().signal).catch(() => undefined)
    }
    const reply = await deliver(path, init, signal)
    const isLost = chance.happens(link.weather.loseReply)
    await pass()
    if (link.isCut || isLost || life.isOver) return never
    options.answered(path, reply.status)
    return reply
  }

  return (path, init) => {
    stirred()
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    const own = new AbortController()
    const signal = init.signal ?? own.signal
    const hangUp = () => {
      stirred()
      reject(signal.reason)
    }
    if (signal.aborted) hangUp()
    else {
      signal.addEventListener('abort', hangUp, { once: true })
      round(path, init, signal).then(resolve, reject)
    }
    return promise
  }
}
