/** Nodes for people: what they are, what is free on them, what runs there. */
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { unstartedMs } from './leases.ts'
import { freeOf } from './match.ts'
import type { Node, Nodes } from './nodes.ts'
import type { Capacity } from './protocol.ts'
import { isActive, type Job, jobsWhere } from './rows.ts'

export interface NodeView {
  readonly id: string
  readonly name: string
  readonly state: 'online' | 'offline' | 'draining'
  readonly heard_at: string
  readonly joined_at: string
  readonly version: string | null
  readonly capacity: Capacity | null
  readonly free: {
    readonly slots: number
    readonly cpus: number
    readonly memoryBytes: number
    readonly gpus: readonly string[]
  } | null
  readonly labels: readonly string[]
  readonly sandboxes: readonly string[]
  readonly jobs: readonly string[]
}

export const listNodes = async (
  db: Database,
  nodes: Nodes,
  clock: Clock,
  visible: (job: Job) => boolean,
): Promise<NodeView[]> => {
  const active = await jobsWhere(db, sql`${isActive} order by seq`)
  const byNode = Map.groupBy(active, ({ nodeId }) => nodeId)
  return (await nodes.all()).map((node) =>
    nodeView(node, byNode.get(node.id) ?? [], clock.now(), visible),
  )
}

export const nodeView = (
  node: Node,
  active: readonly Job[],
  nowMs: number,
  visible: (job: Job) => boolean,
): NodeView => {
  const { capacity } = node
  const free = capacity && freeOf(capacity, active)
  const isOnline = node.boot !== null && nowMs - node.heardAt <= unstartedMs
  return {
    id: node.id,
    name: node.name,
    state: !isOnline ? 'offline' : node.draining || !node.accepting ? 'draining' : 'online',
    heard_at: new Date(node.heardAt).toISOString(),
    joined_at: new Date(node.joinedAt).toISOString(),
    version: node.version,
    capacity,
    free: free && {
      slots: Math.max(0, Math.floor(free.slots)),
      cpus: Math.max(0, free.cpus),
      memoryBytes: Math.max(0, free.memoryBytes),
      gpus: free.gpus.map(({ uuid }) => uuid),
    },
    labels: capacity?.labels ?? [],
    sandboxes: capacity?.sandboxes ?? [],
    jobs: active.filter(visible).map(({ id }) => id),
  }
}
