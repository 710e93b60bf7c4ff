/** Meetings: ask for the calendars that matter, then book the earliest slot that suits all. */
import type { Scenario, Verdict } from '../../environment.ts'
import type { Random } from '../../random.ts'
import { lawful, part, sequential, weightedSum } from '../../rubric.ts'
import { bit, has, sizeOf, Turns } from '../turns.ts'
import { conversation } from './conversation.ts'
import { maxSteps, observations, writeObservation } from './observation.ts'
import {
  actions,
  asks,
  days,
  decline,
  drawMeeting,
  kinds,
  type Meeting,
  nextAsk,
  outlookOf,
  provenAction,
} from './week.ts'

const rewards = { neededAsk: 0.1, otherStep: -0.02, success: 1 }

export const scheduling: Scenario = {
  spec: {
    id: 'scheduling',
    version: 2,
    name: 'Scheduling',
    description:
      'Places a meeting in a week of hidden calendars: asks for as few as will do, then books ' +
      'the earliest slot that suits everybody who must come, or says that there is none.',
    difficulty: 'intermediate',
    tasks: kinds,
    observations,
    actions,
    maxSteps,
    metrics: ['booking', 'proof', 'efficiency'],
    features: ['tools', 'hidden state', 'constraint satisfaction', 'policy violations'],
  },
  conversation,
  rubric: sequential(
    lawful,
    weightedSum([2, part('booking')], [1, part('proof')], [0, part('efficiency')]),
  ),
  make: () => new Calendars(),
}

export class Calendars extends Turns<Meeting> {
  readonly actions = actions.length

  constructor() {
    super(maxSteps)
  }

  get task(): number {
    return kinds.indexOf(this.state.kind)
  }

  protected draw(random: Random): Meeting {
    return drawMeeting(random)
  }

  protected act(action: number): number {
    const { state } = this
    if (action >= asks.length) {
      this.state = { ...state, done: action }
      return provenAction(state) === action ? rewards.success : rewards.otherStep
    }
    // Asking on the day of the earliest open question is what moves things on.
    const wanted = nextAsk(state)
    const isOnDay = wanted >= 0 && wanted % days.length === action % days.length
    const isNew = isOnDay && !has(state.asked, action)
    const isNeeded = isNew && has(state.needed, Math.floor(action / days.length))
    this.state = { ...state, asked: state.asked | bit(action) }
    return isNeeded ? rewards.neededAsk : rewards.otherStep
  }

  protected hasEnded(): boolean {
    return this.state.done >= 0
  }

  protected write(into: Float32Array): void {
    writeObservation(into, this.state, this.steps)
  }

  oracle(): number {
    const proven = provenAction(this.state)
    return proven >= 0 ? proven : nextAsk(this.state)
  }

  /** Books what suits everybody and forgets that some meetings are long and some urgent. */
  heuristic(): number {
    const { state } = this
    const careless = { ...state, isLong: false, lastDay: days.length }
    const proven = provenAction(careless)
    return proven >= 0 ? proven : nextAsk(careless)
  }

  verdict(): Verdict {
    const { state } = this
    const { open, allowed } = outlookOf({ ...state, asked: bit(asks.length) - 1 })
    const isRight = state.done === provenAction({ ...state, asked: bit(asks.length) - 1 })
    const isProven = state.done >= 0 && state.done === provenAction(state)
    const needed = 1 + sizeOf(state.asked)
    const violations: string[] = []
    if (state.done >= asks.length && state.done !== decline) {
      const slot = bit(state.done - asks.length)
      if ((slot & allowed) === 0) violations.push('booked where it must not be')
      else if ((slot & open) === 0) violations.push('booked although somebody is busy')
    }
    return {
      success: isProven,
      components: {
        booking: isRight ? 1 : 0,
        proof: isProven ? 1 : 0,
        efficiency: isProven ? needed / this.steps : 0,
      },
      violations,
    }
  }
}
