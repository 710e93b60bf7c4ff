/** Code review: read a change, look around where the code does not say it, flag what is wrong. */
import type { Scenario, Verdict } from '../../environment.ts'
import type { Random } from '../../random.ts'
import { gate, lawful, part, sequential, weightedSum } from '../../rubric.ts'
import { bit, has, sizeOf, Turns } from '../turns.ts'
import {
  actions,
  approve,
  type Change,
  defects,
  drawChange,
  flagsFrom,
  isProven,
  needsTrace,
  places,
  requestChanges,
  rightFlags,
  tasks,
  taskOf,
  unread,
} from './change.ts'
import { conversation } from './conversation.ts'
import { maxSteps, observations, writeObservation } from './observation.ts'

const rewards = { neededLook: 0.1, rightFlag: 0.2, falseFlag: -0.3, otherStep: -0.02, success: 1 }

export const codeReview: Scenario = {
  spec: {
    id: 'code_review',
    version: 1,
    name: 'Code review',
    description:
      'Reviews generated changes with planted defects: inspects places, traces what the code ' +
      'alone does not tell, flags defects by place and kind; a false alarm spoils the review.',
    difficulty: 'advanced',
    tasks,
    observations,
    actions,
    maxSteps,
    metrics: ['recall', 'precision', 'reading', 'decision'],
    features: ['tools', 'hidden state', 'false alarms', 'several answers'],
  },
  conversation,
  rubric: sequential(
    lawful,
    weightedSum(
      [2, part('recall')],
      // Flags that are mostly wrong are worth nothing.
      [2, gate(0.5, part('precision'))],
      [1, part('reading')],
      [2, part('decision')],
    ),
  ),
  make: () => new Review(),
}

export class Review extends Turns<Change> {
  readonly actions = actions.length

  constructor() {
    super(maxSteps)
  }

  get task(): number {
    return taskOf(this.state)
  }

  protected draw(random: Random): Change {
    return drawChange(random)
  }

  protected act(action: number): number {
    const { state } = this
    if (action >= approve) {
      this.state = { ...state, done: action }
      return isSuccess(this.state) ? rewards.success : rewards.otherStep
    }
    if (action >= flagsFrom) return this.#flag(action - flagsFrom)
    const index = action % places
    const isTrace = action >= places
    const place = state.places[index]
    const isNew = !has(isTrace ? state.traced : state.inspected, index)
    const isNeeded = isNew && place && (!isTrace || needsTrace(place))
    this.state = isTrace
      ? { ...state, traced: state.traced | bit(index) }
      : { ...state, inspected: state.inspected | bit(index) }
    return isNeeded ? rewards.neededLook : rewards.otherStep
  }

  #flag(flag: number): number {
    const { state } = this
    if (has(state.flagged, flag)) return rewards.otherStep
    this.state = { ...state, flagged: state.flagged | bit(flag) }
    return has(rightFlags(state), flag) ? rewards.rightFlag : rewards.falseFlag
  }

  protected hasEnded(): boolean {
    return this.state.done >= 0
  }

  protected write(into: Float32Array): void {
    writeObservation(into, this.state, this.steps)
  }

  oracle(): number {
    return reviewed(this.state)
  }

  /** Takes for granted that what looks like a missing check or a leak is one. */
  heuristic(): number {
    const { state } = this
    let { traced } = state
    const believed = state.places.map((place, i) => {
      if (!hasty.has(place.kind)) return place
      traced |= bit(i)
      return { ...place, isExposed: true }
    })
    return reviewed({ ...state, places: believed, traced })
  }

  verdict(): Verdict {
    const { state } = this
    const right = rightFlags(state)
    const hits = sizeOf(state.flagged & right)
    const looks = state.places.length + state.places.filter(needsTrace).length
    const needed = state.places.filter((one, i) => needsTrace(one) && has(state.traced, i)).length
    const violations: string[] = []
    if ((state.flagged & ~right) !== 0) violations.push('false alarm')
    if (state.done === approve && right !== 0) violations.push('a defect was approved')
    if (state.done >= 0 && !isProven(state)) violations.push('decided without reading it all')
    return {
      success: isSuccess(state),
      components: {
        recall: right === 0 ? 1 : hits / sizeOf(right),
        precision: state.flagged === 0 ? 1 : hits / sizeOf(state.flagged),
        reading: (sizeOf(state.inspected) + needed) / looks,
        decision: state.done === rightDecision(state) ? 1 : 0,
      },
      violations,
    }
  }
}

const hasty = new Set([defects.indexOf('null_access'), defects.indexOf('resource_leak')])

const rightDecision = (change: Change): number =>
  rightFlags(change) === 0 ? approve : requestChanges

const isSuccess = (change: Change): boolean =>
  isProven(change) && change.flagged === rightFlags(change) && change.done === rightDecision(change)

/** What to do next: look, then flag, then decide. */
const reviewed = (change: Change): number => {
  const look = unread(change)
  if (look >= 0) return look
  const missing = rightFlags(change) & ~change.flagged
  if (missing !== 0) return flagsFrom + 31 - Math.clz32(missing & -missing)
  return rightDecision(change)
}
