/** Puts together all that keeps and hands out the bytes of jobs. */
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import type { Live } from '../live/live.ts'
import { router } from '../sdk.ts'
import type { Blobs } from '../storage/blobs.ts'
import type { Database } from '../storage/database.ts'
import { Artifacts } from './artifacts.ts'
import { artifactRoutes } from './artifacts-routes.ts'
import { appendStream, openByteStore } from './attempt-log.ts'
import { Completion } from './attempt-log-check.ts'
import { logRoutes } from './attempt-log-read.ts'
import { appendRoutes } from './attempt-log-routes.ts'
import { Events } from './events-apply.ts'
import { eventRoutes } from './events-routes.ts'
import { FollowChannel } from './follow-channel.ts'
import { Wakeups } from './follow-wakeups.ts'
import { createJobBytes } from './job-bytes.ts'
import type { JobFacts, Streams, StreamsHost } from './streams.ts'
import { storedFacts } from './streams-stored.ts'
import { Uploads } from './uploads.ts'
import { uploadRoutes } from './uploads-routes.ts'

export interface StreamLimits {
  /** The largest log that an attempt may send. */
  readonly logBytes: number
  readonly eventsBytes: number
  /** The largest input or artifact. */
  readonly fileBytes: number
  /** Inputs and artifacts that one user or node may have here. */
  readonly quotaBytes: number
}

export const defaultStreamLimits: StreamLimits = {
  logBytes: 2 ** 33,
  eventsBytes: 2 ** 32,
  fileBytes: 2 ** 40,
  quotaBytes: 2 ** 43,
}

export interface StreamsOptions {
  readonly db: Database
  readonly blobs: Blobs
  /** `jobs/` in it holds the bytes, where they are files. */
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Logger
  readonly live: Live
  readonly host: StreamsHost
  /** Whether watchers of a job may be on other servers. */
  readonly shared?: boolean
  readonly limits?: Partial<StreamLimits>
}

const sweepMs = 60 * 60 * 1000

export const openStreams = (options: StreamsOptions): Streams => {
  const { db, blobs, clock, log, live, host, shared = false } = options
  const limits = { ...defaultStreamLimits, ...options.limits }
  const store = openByteStore(db, options.dataDir)
  const wakeups = new Wakeups(clock)
  const follow = new FollowChannel({ db, store, clock, live, host, shared })
  const changed = (jobId: string): void => {
    wakeups.wake(jobId)
    follow.changed(jobId)
  }
  const find = (jobId: string) => host.find(jobId)
  const events = new Events({ db, store, clock, log, find, changed })
  const artifacts = new Artifacts({ db, blobs, clock, log })
  const { fileBytes: maxBytes, quotaBytes } = limits
  const uploads = new Uploads({ db, blobs, clock, maxBytes, quotaBytes })
  const completion = new Completion({ store, events, artifacts })
  const stored = storedFacts({ db, store, clock, events, artifacts })
  const draining = new AbortController()

  const append: Streams['append'] = (jobId, attempt, stream, offset, bytes) => {
    const maxBytes = stream === 'log' ? limits.logBytes : limits.eventsBytes
    const written = () => {
      if (stream === 'events') events.poke(jobId, attempt)
      else changed(jobId)
    }
    return appendStream(store, { jobId, attempt, stream }, offset, bytes, { written, maxBytes })
  }

  const sweep = () =>
    uploads
      .sweep()
      .catch((error: unknown) => log.warn('Unused content could not be deleted', { error }))
  let sweeping: { cancel(): void } | undefined

  return {
    ...stored,
    bytes: createJobBytes({ host, store, artifacts, uploads, blobs }),
    routes: router()
      .use(
        appendRoutes({
          host,
          append: (job, attempt, stream, offset, bytes) =>
            append(job.id, attempt, stream, offset, bytes),
          keep: async (job, attempt, files) => {
            const missing = await artifacts.missing(job, files)
            if (missing.length > 0) return missing
            await db.transaction((tx) => artifacts.keep(tx, job, attempt, files))
            return []
          },
          maxBytes: 2 ** 40,
        }),
      )
      .use(logRoutes({ db, store, clock, host, wakeups, draining: draining.signal }))
      .use(eventRoutes({ db, store, host }))
      .use(artifactRoutes(host, artifacts))
      .use(uploadRoutes({ host, uploads, artifacts, blobs, maxBytes })),
    channel: follow.channel,
    append,
    check: (job, attempt, finish) => completion.check(job, attempt, finish),
    keepArtifacts: (tx, job, attempt, files) => artifacts.keep(tx, job, attempt, files),
    async seal(jobId, attempt) {
      const left = await store.seal(jobId, attempt)
      completion.forget(jobId, attempt)
      if (left.events > 0) await events.finish(jobId, attempt)
      changed(jobId)
    },
    changed,
    useInputs: (tx, jobId, ownerId, plan) => artifacts.useInputs(tx, jobId, ownerId, plan),
    async remove(jobId) {
      follow.forget(jobId)
      await store.remove(jobId)
      changed(jobId)
    },
    ended: (job: JobFacts) => events.ended(job),
    addSink: (sink) => {
      events.sinks.push(sink)
    },
    async start() {
      await events.resume()
      sweeping = clock.every(sweepMs, () => void sweep())
    },
    drain: () => draining.abort(),
    async stop() {
      draining.abort()
      sweeping?.cancel()
      await events.stop()
      await store.close()
    },
  }
}
