/** A lead, what may be asked of it, and what the answers add up to. */
import type { Random } from '../../random.ts'
import { bit, has } from '../turns.ts'

export const segments = ['startup', 'enterprise', 'public_body', 'customer'] as const
export type Segment = (typeof segments)[number]

/** Each question has one answer of three: well, badly, or one that raises another question. */
export const questions = [
  'ask_need',
  'ask_budget',
  'ask_authority',
  'ask_timing',
  'ask_tender',
  'ask_sponsor',
  'ask_funding',
  'ask_contract',
] as const
export type Question = (typeof questions)[number]

export const decisions = ['qualify', 'nurture', 'disqualify'] as const
export type Decision = (typeof decisions)[number]

/** In the order of their numbers. */
export const actions = [...questions, ...decisions]

export const answers = ['good', 'bad', 'open'] as const
export type Answer = (typeof answers)[number]

export interface Lead {
  readonly id: number
  readonly segment: Segment
  /** So many questions are answered; the next one is one too many. */
  readonly patience: number
  /** By the numbers of the questions. */
  readonly answers: readonly Answer[]
  /** A set of questions. */
  readonly asked: number
  readonly decision: Decision | null
}

const asksOf: Readonly<Record<Segment, readonly Question[]>> = {
  startup: ['ask_need', 'ask_budget', 'ask_timing'],
  enterprise: ['ask_need', 'ask_authority', 'ask_budget', 'ask_timing'],
  public_body: ['ask_need', 'ask_tender', 'ask_timing'],
  customer: ['ask_need', 'ask_authority', 'ask_timing'],
}

/** An open answer is decided by another question. */
const followUps: Partial<Record<Question, Question>> = {
  ask_authority: 'ask_sponsor',
  ask_budget: 'ask_funding',
  ask_timing: 'ask_contract',
}

/** Without a need, a budget or a tender there will never be a sale; all else may change. */
const isFatal: Readonly<Record<Question, boolean>> = {
  ask_need: true,
  ask_budget: true,
  ask_tender: true,
  ask_authority: false,
  ask_timing: false,
  ask_sponsor: false,
  ask_funding: false,
  ask_contract: false,
}

const numberOf = Object.fromEntries(questions.map((name, i) => [name, i])) as Record<
  Question,
  number
>

const plans = segments.map((segment) => asksOf[segment].map((name) => numberOf[name]))
const followUp = questions.map((name) => numberOf[followUps[name] ?? name])
const fatal = questions.map((name) => isFatal[name])
const canBeOpen = questions.flatMap((name, i) => (followUps[name] ? [i] : []))

/** What has a follow-up may be open, but no more than one of them: patience is short. */
export const drawLead = (random: Random): Lead => {
  const number = random.below(segments.length)
  const segment = segments[number] ?? 'startup'
  const plan = plans[number] ?? []
  return {
    id: random.below(9000),
    segment,
    patience: plan.length + 1,
    answers: drawAnswers(random),
    asked: 0,
    decision: null,
  }
}

export const drawAnswers = (random: Random): readonly Answer[] => {
  const drawn = questions.map((_, i): Answer => {
    const badShare = fatal[i] ? 0.14 : followUp[i] === i ? 0.5 : 0.2
    return random.next() < badShare ? 'bad' : 'good'
  })
  if (random.next() < 0.75) drawn[random.pick(canBeOpen)] = 'open'
  return drawn
}

const planOf = ({ segment }: Lead): readonly number[] => plans[segments.indexOf(segment)] ?? []

/** What the answers so far allow to decide; null: more must be asked. */
export const provenDecision = (lead: Lead): Decision | null => {
  let isBad = false
  let isWhole = true
  for (const question of planOf(lead)) {
    if (!has(lead.asked, question)) {
      isWhole = false
      continue
    }
    const answer = lead.answers[question]
    if (answer === 'bad' && fatal[question]) return 'disqualify'
    const further = answer === 'open' ? (followUp[question] ?? question) : question
    if (!has(lead.asked, further)) isWhole = false
    else if (lead.answers[further] === 'bad') isBad = true
  }
  if (!isWhole) return null
  return isBad ? 'nurture' : 'qualify'
}

/** What is right if everything were known. */
export const rightDecision = (lead: Lead): Decision | null =>
  provenDecision({ ...lead, asked: bit(questions.length) - 1 })

/** What is left to ask: first what the segment demands, then what an answer left open. */
export const nextQuestion = (lead: Lead): number => {
  for (const question of planOf(lead)) if (!has(lead.asked, question)) return question
  for (const question of planOf(lead)) {
    const further = followUp[question] ?? question
    if (lead.answers[question] === 'open' && !has(lead.asked, further)) return further
  }
  return -1
}

/** The answer matters: the segment demands it, or an open answer does. */
export const isWorthAsking = (lead: Lead, question: number): boolean => {
  if (has(lead.asked, question) || provenDecision(lead) !== null) return false
  return planOf(lead).some(
    (one) =>
      one === question ||
      (followUp[one] === question && has(lead.asked, one) && lead.answers[one] === 'open'),
  )
}
