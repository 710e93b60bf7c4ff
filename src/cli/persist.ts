/** Repeats what failed because the server was away for a moment. */
import { ApiError, UnreachableError } from './api.ts'

const firstWaitMs = 250
const longestWaitMs = 5_000

export interface PersistOptions {
  /** Gives up after so long without success; default: a minute. */
  readonly giveUpMs?: number
  readonly signal?: AbortSignal
  onWait?(error: Error): void
}

/** For work that does no harm when it is done twice. */
export const persist = async <T>(
  work: () => Promise<T>,
  { giveUpMs = 60_000, signal, onWait }: PersistOptions = {},
): Promise<T> => {
  const begun = performance.now()
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      if (!isPassing(error) || performance.now() - begun + waitMs > giveUpMs) throw error
      onWait?.(error as Error)
    }
    await Bun.sleep(waitMs * (0.5 + Math.random()))
  }
}

/** Whether the same request may well succeed a little later. */
export const isPassing = (error: unknown): boolean =>
  error instanceof UnreachableError ||
  (error instanceof ApiError && (error.status >= 502 || error.status === 429))
