/** A gateway within a job: hands out rollouts to a harness and keeps them in memory. */
import { HearthError } from '../../../src/sdk.ts'
import type { Scenario } from '../environment.ts'
import type { ChatModel } from './chat-model.ts'
import { messagesIn, type RolloutEvent } from './events.ts'
import { type Gateway, type RolloutWish, unknownRollout } from './gateway.ts'
import { Rollout, type RolloutOrder } from './rollout.ts'
import type { Trajectory } from './trajectory.ts'

interface Kept {
  readonly rollout: Rollout
  readonly model: ChatModel
  readonly events: RolloutEvent[]
  /** Told once. */
  readonly finish: (trajectory: Trajectory) => void
}

/** Agents still ask once or twice after the end. */
const keptEnded = 256

/** Rollouts are offered here, and taken by `next`. */
export class MemoryGateway implements Gateway {
  readonly #waiting: Kept[] = []
  readonly #taken = new Map<string, Kept>()
  readonly #ended = new Map<string, Kept>()

  /** Answers what came of it when it has ended, one way or the other. */
  offer(scenario: Scenario, order: RolloutOrder, model: ChatModel): Promise<Trajectory> {
    const rollout = Rollout.begin(scenario, order)
    return new Promise((finish) => {
      this.#waiting.push({ rollout, model, events: [], finish })
    })
  }

  /** How many are taken and have not ended. */
  get running(): number {
    return this.#taken.size
  }

  /** Ends all that have not ended, as failed: those too that nobody has taken. */
  close(reason: string): void {
    for (const kept of [...this.#waiting.splice(0), ...this.#taken.values()]) {
      kept.rollout.end(reason)
      this.#settle(kept)
    }
  }

  async begin(_: RolloutWish): Promise<Rollout> {
    throw new HearthError('forbidden', 'Rollouts are handed out here: ask for the next one')
  }

  async next(): Promise<Rollout | null> {
    const kept = this.#waiting.shift()
    if (!kept) return null
    this.#taken.set(kept.rollout.order.id, kept)
    return kept.rollout
  }

  async look(id: string): Promise<Rollout> {
    return this.#get(id).rollout
  }

  async events(id: string): Promise<readonly RolloutEvent[]> {
    return this.#get(id).events
  }

  async change<T>(id: string, work: (rollout: Rollout) => T): Promise<T> {
    const kept = this.#get(id)
    const result = work(kept.rollout)
    kept.events.push(...kept.rollout.takeEvents())
    if (kept.rollout.isOver) this.#settle(kept)
    return result
  }

  async modelOf(rollout: Rollout): Promise<ChatModel> {
    return this.#get(rollout.order.id).model
  }

  #get(id: string): Kept {
    const kept = this.#taken.get(id) ?? this.#ended.get(id)
    if (!kept) throw unknownRollout()
    return kept
  }

  #settle(kept: Kept): void {
    const { rollout, events, finish } = kept
    const { id } = rollout.order
    if (this.#ended.has(id)) return
    this.#taken.delete(id)
    this.#ended.set(id, kept)
    const [oldest] = this.#ended.keys()
    if (this.#ended.size > keptEnded && oldest !== undefined) this.#ended.delete(oldest)
    events.push(...rollout.takeEvents())
    rollout.close()
    finish({ ...rollout.trajectory, messages: messagesIn(events) })
  }
}
