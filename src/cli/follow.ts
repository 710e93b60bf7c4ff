/** Follows a job over connections that break: every byte of its log once, in order. */
import type { JobView } from '../jobs/view.ts'
import { type Api, UnreachableError } from './api.ts'
import { isPassing } from './persist.ts'
import { readEvents } from './sse.ts'

export interface LogPiece {
  readonly attempt: number
  readonly offset: number
  readonly text: string
}

export type Progress = NonNullable<JobView['progress']>

export type News =
  | { readonly type: 'log'; readonly log: LogPiece }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'state'; readonly job: JobView }
  | { readonly type: 'end' }

export interface FollowOptions {
  /** Where to begin: `offset`, `tail`, `attempt`. */
  readonly query?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  onLost?(error: Error): void
  onBack?(): void
}

/** The server says something every 15 s; a connection that is silent for longer is dead. */
const silenceMs = 45_000
const firstWaitMs = 200
const longestWaitMs = 5_000

/** Ends after `end`. Tries for ever while the server is away. @throws ApiError when it refuses */
export async function* follow(
  api: Api,
  jobId: string,
  { query = {}, signal, onLost, onBack }: FollowOptions = {},
): AsyncGenerator<News> {
  const path = `/api/jobs/${jobId}/logs/follow?${new URLSearchParams(query)}`
  let last: string | undefined
  let waitMs = firstWaitMs
  let isLost = false
  for (;;) {
    const connection = connect(api, path, last, signal)
    try {
      for await (const { event, id, data } of connection.events()) {
        if (isLost) onBack?.()
        isLost = false
        waitMs = firstWaitMs
        const news = newsOf(event, data)
        if (news) yield news
        last = id ?? last
        if (news?.type === 'end') return
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (!isBroken(error)) throw error
      if (!isLost) onLost?.(error as Error)
      isLost = true
    } finally {
      connection.close()
    }
    signal?.throwIfAborted()
    await Bun.sleep(waitMs * (0.5 + Math.random()))
    waitMs = Math.min(2 * waitMs, longestWaitMs)
  }
}

const newsOf = (event: string, data: string): News | undefined => {
  const value: unknown = JSON.parse(data)
  if (event === 'log') return { type: 'log', log: value as LogPiece }
  if (event === 'progress') return { type: 'progress', progress: value as Progress }
  if (event === 'state') return { type: 'state', job: value as JobView }
  return event === 'end' ? { type: 'end' } : undefined
}

/** Thrown by the body of a reply when the connection ends in the middle of it. */
class BrokenError extends Error {}

const isBroken = (error: unknown): boolean => error instanceof BrokenError || isPassing(error)

const connect = (api: Api, path: string, last: string | undefined, signal?: AbortSignal) => {
  const own = new AbortController()
  const timer = setTimeout(() => own.abort(), silenceMs)
  const all = signal ? AbortSignal.any([signal, own.signal]) : own.signal
  return {
    async *events() {
      const headers = { accept: 'text/event-stream', ...(last && { 'last-event-id': last }) }
      try {
        const { body } = await api.fetch(path, { headers, signal: all })
        if (!body) throw new UnreachableError('The server sent nothing')
        yield* readEvents(body, () => timer.refresh())
      } catch (error) {
        if (isPassing(error) || (error as Error).name === 'ApiError') throw error
        throw new BrokenError('The connection broke', { cause: error })
      }
    },
    close: () => {
      clearTimeout(timer)
      own.abort()
    },
  }
}
