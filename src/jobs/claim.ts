/** Gives jobs to nodes, for good: everything is looked at once more inside of the transaction. */
import { sql } from '../storage/sql.ts'
import { activeOn, noteChange } from './change.ts'
import type { Work } from './commits.ts'
import { transition } from './job.ts'
import { fit, type Free, freeOf, take } from './match.ts'
import type { Capacity } from './protocol.ts'
import { among } from './json-rows.ts'
import { type Job, jobsWhere } from './rows.ts'
import { limitsByColumn, type RunningLimits, runningBy } from './running-limits.ts'

/** What the memory of a server suggests. */
export interface Claim {
  readonly jobId: string
  readonly nodeId: string
  readonly capacity: Capacity
}

interface Taken {
  readonly before: Job
  readonly after: Job
}

export const claim = async (
  work: Work,
  claims: readonly Claim[],
  limits: RunningLimits,
  nowMs: number,
): Promise<void> => {
  const { tx } = work
  const nodeIds = [...new Set(claims.map(({ nodeId }) => nodeId))].sort()
  const nodes = await usableNodes(work, nodeIds)
  const active = await activeOn(work, nodeIds)
  const free = new Map<string, Free>()
  for (const { nodeId, capacity } of claims) {
    if (!nodes.has(nodeId) || free.has(nodeId)) continue
    free.set(
      nodeId,
      freeOf(
        capacity,
        active.filter((job) => job.nodeId === nodeId),
      ),
    )
  }
  const skip = tx.dialect === 'postgres' ? sql`for update skip locked` : sql``
  const ids = claims.map(({ jobId }) => jobId)
  const found = await jobsWhere(tx, sql`${among(tx, sql`id`, ids)} and state = 'queued' ${skip}`)
  const jobs = new Map(found.map((job) => [job.id, job]))
  const allowed = await allowance(work, limits)
  const taken = claims.flatMap(({ jobId, nodeId }): Taken[] => {
    const before = jobs.get(jobId)
    const room = free.get(nodeId)
    if (!before || !room) return []
    const moved = transition(before, { type: 'claim' })
    const gpus = fit(before.demand, room)
    if (!moved.ok || !gpus || !allowed(before)) return []
    free.set(nodeId, take(room, before.demand, gpus))
    return [{ before, after: { ...before, ...moved.job, nodeId, gpus, phase: null } }]
  })
  await Promise.all(
    taken.map(async ({ before, after }) => {
      const job = await work.jobs.write(before, after)
      noteChange(work, before, job, 'claim', { nowMs, actor: `node:${job.nodeId}` })
    }),
  )
}

/** Held, so that no other server gives them work at the same time. */
const usableNodes = async ({ tx }: Work, ids: readonly string[]): Promise<ReadonlySet<string>> => {
  const lock = tx.dialect === 'postgres' ? sql`for no key update` : sql``
  const rows = await tx.rows<{ id: string }>(sql`
    select id from jobs_node where ${among(tx, sql`id`, ids)} and removed_at is null
      and draining = ${false} order by id ${lock}`)
  return new Set(rows.map(({ id }) => id))
}

/** Whether one more job of its owner and project may run; counts those that were let in. */
const allowance = async ({ tx }: Work, limits: RunningLimits) => {
  const bounds = limitsByColumn(limits)
  if (bounds.length > 0) await tx.lock('jobs limits')
  const counts: { of: (job: Job) => number | null; max: number; n: Map<number, number> }[] = []
  for (const { column, max } of bounds) {
    const of = (job: Job): number | null => (column === 'owner_id' ? job.ownerId : job.projectId)
    counts.push({ of, max, n: new Map(await runningBy(tx, column)) })
  }
  return (job: Job): boolean => {
    const mine = counts.flatMap(({ of, max, n }) => {
      const id = of(job)
      return id === null ? [] : [{ id, max, n }]
    })
    if (mine.some(({ id, max, n }) => (n.get(id) ?? 0) >= max)) return false
    for (const { id, n } of mine) n.set(id, (n.get(id) ?? 0) + 1)
    return true
  }
}
