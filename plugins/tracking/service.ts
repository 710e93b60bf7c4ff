/** What other plugins may ask of tracking. */
import { defineService } from '../../src/sdk.ts'
import type { PointStore } from './points/store.ts'
import type { Projects } from './projects.ts'
import type { Runs } from './runs.ts'
import type { RunState } from './state.ts'

export interface Tracking {
  readonly projects: Projects
  readonly runs: Runs
  readonly points: PointStore
  /** To be told of whatever a run says; points that go to the store directly do not count. */
  readonly state: RunState
}

export const tracking = defineService<Tracking>('tracking')
