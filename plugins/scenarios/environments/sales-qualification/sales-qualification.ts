/** Sales: with few questions find out whether a lead is worth the time of those who sell. */
import type { Scenario, Verdict } from '../../environment.ts'
import type { Random } from '../../random.ts'
import { lawful, part, sequential, weightedSum } from '../../rubric.ts'
import { bit, sizeOf, Turns } from '../turns.ts'
import { conversation } from './conversation.ts'
import {
  actions,
  decisions,
  drawLead,
  isWorthAsking,
  type Lead,
  nextQuestion,
  provenDecision,
  questions,
  rightDecision,
  segments,
} from './lead.ts'
import { maxSteps, observations, writeObservation } from './observation.ts'

const rewards = { neededQuestion: 0.1, otherStep: -0.02, success: 1 }

export const salesQualification: Scenario = {
  spec: {
    id: 'sales_qualification',
    version: 1,
    name: 'Sales qualification',
    description:
      'Qualifies leads by budget, authority, need and timing: the patience of the lead is ' +
      'short, and which questions matter depends on who it is and on the answers.',
    difficulty: 'intermediate',
    tasks: segments,
    observations,
    actions,
    maxSteps,
    metrics: ['decision', 'proof', 'efficiency'],
    features: ['tools', 'hidden state', 'budget of questions', 'follow-up questions'],
  },
  conversation,
  rubric: sequential(
    lawful,
    weightedSum([2, part('decision')], [1, part('proof')], [0, part('efficiency')]),
  ),
  make: () => new Call(),
}

export class Call extends Turns<Lead> {
  readonly actions = actions.length

  constructor() {
    super(maxSteps)
  }

  get task(): number {
    return segments.indexOf(this.state.segment)
  }

  /** One question too many, and the lead has hung up. */
  get hasHungUp(): boolean {
    return this.steps > this.state.patience && this.state.decision === null
  }

  protected draw(random: Random): Lead {
    return drawLead(random)
  }

  protected act(action: number): number {
    const { state } = this
    if (action >= questions.length) {
      const decision = decisions[action - questions.length] ?? null
      this.state = { ...state, decision }
      return provenDecision(state) === decision ? rewards.success : rewards.otherStep
    }
    if (this.hasHungUp) return rewards.otherStep
    const isNeeded = isWorthAsking(state, action)
    this.state = { ...state, asked: state.asked | bit(action) }
    return isNeeded ? rewards.neededQuestion : rewards.otherStep
  }

  protected hasEnded(): boolean {
    return this.state.decision !== null || this.hasHungUp
  }

  protected write(into: Float32Array): void {
    writeObservation(into, this.state, this.steps)
  }

  oracle(): number {
    const { state } = this
    const decision = provenDecision(state)
    return decision ? questions.length + decisions.indexOf(decision) : nextQuestion(state)
  }

  /** Asks what the list demands, takes what is left open for a yes, and never asks again. */
  heuristic(): number {
    const { state } = this
    const answers = state.answers.map((answer) => (answer === 'open' ? 'good' : answer))
    const hopeful = { ...state, answers }
    const decision = provenDecision(hopeful)
    return decision ? questions.length + decisions.indexOf(decision) : nextQuestion(hopeful)
  }

  verdict(): Verdict {
    const { state } = this
    const { decision } = state
    const isRight = decision !== null && decision === rightDecision(state)
    const isProven = decision !== null && decision === provenDecision(state)
    const violations: string[] = []
    if (decision !== null && provenDecision(state) === null) violations.push('decided by a guess')
    if (this.hasHungUp) violations.push('asked until the lead hung up')
    return {
      success: isProven,
      components: {
        decision: isRight ? 1 : 0,
        proof: isProven ? 1 : 0,
        efficiency: isProven ? (1 + sizeOf(state.asked)) / this.steps : 0,
      },
      violations,
    }
  }
}
