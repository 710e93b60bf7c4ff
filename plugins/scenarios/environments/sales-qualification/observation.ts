/** What the policy sees of a lead: who it is, how much patience is left, what was answered. */
import { has } from '../turns.ts'
import { answers, type Lead, questions, segments } from './lead.ts'

/** One more than the most patient lead: nobody gets there. */
export const maxSteps = 7
export const observations = segments.length + questions.length * answers.length + 1

export type Seen = Pick<Lead, 'segment' | 'patience' | 'asked' | 'answers'>

export const writeObservation = (into: Float32Array, seen: Seen, steps: number): void => {
  into.fill(0)
  into[segments.indexOf(seen.segment)] = 1
  for (let question = 0; question < questions.length; question++) {
    const answer = seen.answers[question]
    if (!has(seen.asked, question) || answer === undefined) continue
    into[segments.length + question * answers.length + answers.indexOf(answer)] = 1
  }
  into[observations - 1] = (seen.patience - steps) / maxSteps
}
