/** What this server knows in memory of the nodes that speak to it: all of it can be lost. */
import { type Free, freeOf, isFull } from './match.ts'
import type { Node } from './nodes.ts'
import type { Capacity } from './protocol.ts'
import type { Job } from './rows.ts'

/** A sync that waits for something to do. */
export interface Poll {
  /** Ends the wait: look again. */
  wake(): void
}

export interface Session {
  node: Node
  capacity: Capacity
  /** Whether it takes new work, as it says itself and as an operator wants it. */
  accepting: boolean
  /** Attempts that hold a place on it, by job. */
  readonly active: Map<string, Job>
  poll: Poll | null
  /** What it was told last of each attempt, `job/attempt`: said again only after a while. */
  told: ReadonlyMap<string, string>
  /** Since when it has not named an attempt that it should have, by `job/attempt`. */
  readonly missingSinceMs: Map<string, number>
}

export const freePlaces = ({ capacity, active }: Session): Free =>
  freeOf(capacity, [...active.values()])

const holdsPlace = ({ state }: Job): boolean =>
  state === 'assigned' || state === 'running' || state === 'lost'

export class Sessions {
  readonly #byNode = new Map<string, Session>()

  get(nodeId: string): Session | undefined {
    return this.#byNode.get(nodeId)
  }

  /** The session of a node that has just spoken. */
  open(node: Node, capacity: Capacity, accepting: boolean): Session {
    const known = this.#byNode.get(node.id)
    if (known) {
      if (known.node.boot !== node.boot) {
        known.told = new Map()
        known.missingSinceMs.clear()
      }
      return Object.assign(known, { node, capacity, accepting })
    }
    const session: Session = {
      node,
      capacity,
      accepting,
      active: new Map(),
      poll: null,
      told: new Map(),
      missingSinceMs: new Map(),
    }
    this.#byNode.set(node.id, session)
    return session
  }

  close(nodeId: string): void {
    this.#byNode.get(nodeId)?.poll?.wake()
    this.#byNode.delete(nodeId)
  }

  /** Those that wait for work and have room for some. */
  waiting(): Session[] {
    return [...this.#byNode.values()].filter(
      (session) => session.poll !== null && session.accepting && !isFull(freePlaces(session)),
    )
  }

  /** Keeps a session in step with a job that was changed; answers whether a place became free. */
  jobChanged(before: Job | null, job: Job): boolean {
    const session = job.nodeId === null ? undefined : this.#byNode.get(job.nodeId)
    if (!session || (before && !holdsPlace(before) && !holdsPlace(job))) return false
    if (holdsPlace(job)) session.active.set(job.id, job)
    else session.active.delete(job.id)
    const freed = before !== null && holdsPlace(before) && !holdsPlace(job)
    const isNews = job.state !== 'running' || before?.desired !== job.desired
    if (isNews) session.poll?.wake()
    return freed
  }

  wakeAll(): void {
    for (const { poll } of this.#byNode.values()) poll?.wake()
  }
}
