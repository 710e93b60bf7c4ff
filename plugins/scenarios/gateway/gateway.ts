/** What a gateway does with rollouts, wherever they are: in a table, or in the memory of a job. */
import { HearthError } from '../../../src/sdk.ts'
import type { Split } from '../environment.ts'
import type { ChatModel } from './chat-model.ts'
import type { RolloutEvent } from './events.ts'
import type { Rollout } from './rollout.ts'

export interface RolloutWish {
  readonly scenario_id: string
  readonly split: Split
  readonly episode: number
  readonly model?: string | undefined
  /** Seed of the draws; absent: greedy. */
  readonly sample_seed?: number | undefined
  /** Asked twice with one id: the same rollout. */
  readonly rollout_id?: string | undefined
}

export interface Gateway {
  /** @throws HearthError `not_found`, `conflict`, `rate_limited` */
  begin(wish: RolloutWish): Promise<Rollout>
  /** Work for a harness; null: none is left. Absent: nobody hands out work here. */
  next?(): Promise<Rollout | null>
  /** As it is now, not to be changed. @throws HearthError `not_found`; so do all below */
  look(id: string): Promise<Rollout>
  events(id: string): Promise<readonly RolloutEvent[]>
  /** One at a time; what `work` did is kept before this answers. */
  change<T>(id: string, work: (rollout: Rollout) => T): Promise<T>
  /** Who answers to the name a client gave. */
  modelOf(rollout: Rollout, name: string): Promise<ChatModel>
}

export const unknownRollout = (): HearthError => new HearthError('not_found', 'Rollout not found')
