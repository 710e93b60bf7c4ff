/** Asks the language model upstream with patience: waits where it is told to, gives up in words. */
import type { ChatRequest, Completion } from '../../gateway/completion.ts'
import { ask as askOnce, type Upstream, UpstreamError } from '../../gateway/upstream.ts'

export type Ask = (request: ChatRequest) => Promise<Completion>

/** It was told to end while an answer was awaited. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

const answerMs = 120_000
const maxTries = 6
const usualWaitMs = 500
const maxWaitMs = 60_000
/** Once broken off, twice; beyond, something is wrong for good. */
const passing = new Set([429, 502, 504])

export const patientAsk =
  (upstream: Upstream, signal: AbortSignal, firstWaitMs = usualWaitMs): Ask =>
  async (request) => {
    for (let tries = 1; ; tries++) {
      if (signal.aborted) throw new Interrupted()
      try {
        return await unless(signal, askOnce(upstream, request.model, request, answerMs))
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error
        const isHopeless = error.isFinal || !passing.has(error.status)
        if (isHopeless) throw new Error(error.message)
        if (tries >= maxTries) {
          throw new Error(`${error.message}; it was asked ${maxTries} times`)
        }
        await unless(
          signal,
          Bun.sleep(waitMs(error.retryAfter, firstWaitMs * 2 ** (tries - 1), Date.now())),
        )
      }
    }
  }

/** Milliseconds to wait: what the server said, seconds or a date, within bounds; else as usual. */
export const waitMs = (retryAfter: string | null, usual: number, now: number): number => {
  if (retryAfter === null || retryAfter.trim() === '') return usual
  const seconds = Number(retryAfter)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(retryAfter) - now
  return Number.isFinite(ms) ? Math.min(maxWaitMs, Math.max(0, ms)) : usual
}

const unless = <T>(signal: AbortSignal, work: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const stop = () => reject(new Interrupted())
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
