/** The state of an experiment's tree: what all events so far add up to. */
import type { Final } from './final.ts'
import type { Node } from './node.ts'

export interface Journal {
  /** Seq of the last event in it. */
  readonly version: number
  /** In order of step. */
  readonly nodes: readonly Node[]
  /** null until known. */
  readonly maximize: boolean | null
  readonly instructions: readonly string[]
  readonly isPaused: boolean
  /** Steps asked for, extensions included. */
  readonly totalSteps: number
  readonly notes: readonly string[]
  readonly final: Final | null
  readonly startedAt: number | null
  readonly endedAt: number | null
  /** How long it ran until the last end or pause. */
  readonly ranMs: number
  /** Since when it runs, beyond that; null: it has not begun, is paused, or has ended. */
  readonly runningSince: number | null
}
