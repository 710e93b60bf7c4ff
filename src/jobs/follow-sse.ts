/** Follows a job as Server-Sent Events: bytes as soon as they are there, at the reader's pace. */
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../storage/database.ts'
import type { ByteStore } from './attempt-log.ts'
import { progressOf, readProgress } from './events-read.ts'
import { cursorOf } from './follow-cursor.ts'
import { readLog } from './follow-log.ts'
import type { Wakeups } from './follow-wakeups.ts'
import { isTerminal } from './job.ts'
import type { StreamsHost } from './streams.ts'

export interface SseOptions {
  readonly db: Database
  readonly store: ByteStore
  readonly clock: Clock
  readonly host: StreamsHost
  readonly wakeups: Wakeups
  /** Aborted when the server wants to stop. */
  readonly draining: AbortSignal
}

/** Proxies close what is silent for a minute. */
const heartbeatMs = 15_000

/** Where several servers share a database, what another one wrote is found by looking. */
const lookMs = 1_000

interface Event {
  readonly event: 'log' | 'progress' | 'state' | 'end'
  readonly id: number
  readonly data: object
}

const encoder = new TextEncoder()

const frame = ({ event, id, data }: Event): string =>
  `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`

export const sseResponse = (
  options: SseOptions,
  jobId: string,
  position: number,
  signal: AbortSignal,
): Response => {
  const gone = AbortSignal.any([signal, options.draining])
  const frames = framesOf(options, jobId, position, gone)
  const body = new ReadableStream<Uint8Array>(
    {
      // Asked for only when the reader has room: nothing gathers here.
      async pull(controller) {
        const next = await frames.next()
        if (next.done) controller.close()
        else controller.enqueue(encoder.encode(next.value))
      },
      async cancel() {
        await frames.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    },
  })
}

async function* framesOf(
  options: SseOptions,
  jobId: string,
  position: number,
  gone: AbortSignal,
): AsyncGenerator<string> {
  const { db, clock, wakeups } = options
  const follower = new Follower(options, jobId, position)
  // Sent at once, so that the caller sees that it is connected.
  yield ': following\nretry: 1000\n\n'
  let heardAt = clock.now()
  while (!gone.aborted) {
    const wake = wakeups.of(jobId)
    try {
      for await (const event of follower.news()) {
        if (gone.aborted) return
        yield frame(event)
        heardAt = clock.now()
      }
      if (follower.ended) return
      await wake.wait(gone, db.dialect === 'postgres' ? lookMs : heartbeatMs)
    } finally {
      wake.release()
    }
    if (clock.now() - heardAt < heartbeatMs) continue
    yield ':\n\n'
    heardAt = clock.now()
  }
}

/** One reader: where it is in the log, and which of the job's changes it was sent. */
class Follower {
  ended = false
  readonly #options: SseOptions
  readonly #jobId: string
  #position: number
  #jobVersion = -1
  #progressVersion = 0

  constructor(options: SseOptions, jobId: string, position: number) {
    this.#options = options
    this.#jobId = jobId
    this.#position = position
  }

  async *news(): AsyncGenerator<Event> {
    const { db, store, clock, host } = this.#options
    // Looked at before the log is read: at the end of a job, its log is complete.
    const job = await host.find(this.#jobId)
    if (!job) {
      this.ended = true
      return
    }
    const progress = await readProgress(db, job.id)
    for await (const pieces of readLog(store, job, this.#position, 'bytes')) {
      for (const { attempt, offset, text, end } of pieces) {
        this.#position = end
        yield { event: 'log', id: cursorOf(end, 0, 'log'), data: { attempt, offset, text } }
      }
    }
    const id = cursorOf(this.#position, 0, 'log')
    if (progress && progress.version > this.#progressVersion) {
      this.#progressVersion = progress.version
      const data = progressOf(progress, clock.now())
      if (data) yield { event: 'progress', id, data }
    }
    if (job.version > this.#jobVersion) {
      this.#jobVersion = job.version
      const data = await host.view(job.id)
      if (data) yield { event: 'state', id, data }
    }
    if (!isTerminal(job.state)) return
    this.ended = true
    yield { event: 'end', id, data: { state: job.state } }
  }
}
