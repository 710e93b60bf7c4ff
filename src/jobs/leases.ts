/** How long each node has been silent, and what follows for the jobs it has. */
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import type { Database } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { changeJob } from './change.ts'
import type { Commits } from './commits.ts'
import { createStopwatch } from './monotonic.ts'
import type { Outcome } from './outcome.ts'
import { among } from './json-rows.ts'
import { type Job, jobsWhere } from './rows.ts'

export interface LeasesOptions {
  readonly db: Database
  readonly commits: Commits
  readonly clock: Clock
  readonly log: Logger
  /** After this long a job that only its node may run is called lost. */
  readonly lostAfterMs: number
}

export interface Leases {
  /** A node has spoken to this server. */
  heard(nodeId: string): void
  /** Milliseconds that no clock can shift. */
  elapsedMs(): number
  /** Since any server has heard of the node, as far as this one can know. */
  silenceMs(nodeId: string): number
  /** Writes down who was heard of, and acts on whoever was not. */
  sweep(): Promise<void>
  stop(): Promise<void>
}

const sweepMs = 1000
/** How often what was heard is written, for the other servers to see. */
const beatMs = 5000
/** An attempt that was never started is given away, and a cancelled one is, after this long. */
export const unstartedMs = 60_000

const lapsed: Outcome = {
  reason: 'lease_expired',
  exitCode: null,
  signal: null,
  message: 'Its node was silent for longer than the policy of the job allows',
}

export const createLeases = (options: LeasesOptions): Leases => {
  const { db, clock, log } = options
  const stopwatch = createStopwatch(clock)
  /** When a node was heard of, on this server's stopwatch. */
  const lastMs = new Map<string, number>()
  const beats = new Map<string, number>()
  let unwritten = new Set<string>()
  let beatAtMs = 0
  let sweeping: Promise<void> | undefined

  const silenceMs = (nodeId: string): number => stopwatch.elapsedMs() - (lastMs.get(nodeId) ?? 0)

  const beat = async (): Promise<void> => {
    const heard = [...unwritten]
    unwritten = new Set()
    if (heard.length > 0) {
      await db.run(sql`update jobs_node set beats = beats + 1, heard_at = ${clock.now()}
        where ${among(db, sql`id`, heard)}`)
    }
    const rows = await db.rows<{ id: string; beats: number }>(
      sql`select id, beats from jobs_node where removed_at is null`,
    )
    for (const row of rows) {
      if (beats.get(row.id) === row.beats) continue
      // The first look at a node begins its lease anew: a server that starts knows nothing.
      if (!heard.includes(row.id)) lastMs.set(row.id, stopwatch.elapsedMs())
      beats.set(row.id, row.beats)
    }
  }

  const once = async (): Promise<void> => {
    if (stopwatch.elapsedMs() - beatAtMs >= beatMs) {
      beatAtMs = stopwatch.elapsedMs()
      await beat()
    }
    await expire(options, silenceMs)
  }

  const sweep = (): Promise<void> => {
    sweeping ??= once()
      .catch((error: unknown) => log.warn('Leases could not be looked after', { error }))
      .finally(() => {
        sweeping = undefined
      })
    return sweeping
  }
  const timer = clock.every(sweepMs, () => void sweep())

  return {
    heard(nodeId) {
      lastMs.set(nodeId, stopwatch.elapsedMs())
      unwritten.add(nodeId)
    },
    elapsedMs: stopwatch.elapsedMs,
    silenceMs,
    sweep,
    async stop() {
      timer.cancel()
      stopwatch.stop()
      await sweeping
    },
  }
}

/**
 * What another server heard is known here up to `beatMs` late: leases are longer by that much, so
 * that no node is given up that was told that it may go on.
 */
const expire = async (
  { db, commits, clock, lostAfterMs }: LeasesOptions,
  silenceMs: (nodeId: string) => number,
): Promise<void> => {
  const rows = await db.rows<{ node_id: string }>(
    sql`select distinct node_id from jobs_job where state in ('assigned', 'running', 'lost')`,
  )
  const silent = rows.map(({ node_id }) => node_id).filter((id) => silenceMs(id) > beatMs)
  if (silent.length === 0) return
  const jobs = await jobsWhere(
    db,
    sql`${among(db, sql`node_id`, silent)} and state in ('assigned', 'running', 'lost')`,
  )
  const works = jobs.map(async (job) => {
    const isOver = isEnded(job, silenceMs(job.nodeId as string))
    const isDue = isOver || dueMs(job, lostAfterMs) <= silenceMs(job.nodeId as string) - beatMs
    if (!isDue || (job.state === 'lost' && !isOver)) return
    await commits.commit(job.id, (work) =>
      changeJob(
        work,
        job.id,
        { type: 'lose', attempt: job.attempt, isOver },
        { nowMs: clock.now(), actor: 'server', why: lapsed.message!, outcome: lapsed },
      ),
    )
  })
  await Promise.all(works)
}

/** Whether the node has ended the attempt by itself by now. */
const isEnded = ({ policy }: Job, silenceMs: number): boolean =>
  policy.reassign_after_ms !== null && silenceMs - beatMs >= policy.reassign_after_ms

const dueMs = (job: Job, lostAfterMs: number): number =>
  job.state === 'assigned' || job.desired === 'cancel' ? unstartedMs : lostAfterMs
