/** Calls with leads in words: who they are, and what they answer. */
import type { Conversation, Environment } from '../../environment.ts'
import { bit, toolsAbout } from '../turns.ts'
import {
  type Answer,
  answers,
  type Decision,
  decisions,
  type Lead,
  questions,
  type Question,
  type Segment,
  segments,
} from './lead.ts'
import { observations, type Seen, writeObservation } from './observation.ts'
import type { Call } from './sales-qualification.ts'

const introduced: Readonly<Record<Segment, string>> = {
  startup: 'the founder of a startup',
  enterprise: 'a manager of a large company',
  public_body: 'an office of the city',
  customer: 'a customer who may want more',
}

const said: Readonly<Record<Question, Readonly<Record<Answer, string>>>> = {
  ask_need: {
    good: 'We lose hours every day to exactly this.',
    bad: 'We have no such problem, I was only curious.',
    open: 'It depends.',
  },
  ask_budget: {
    good: 'The money is approved.',
    bad: 'There is no money for it, nor will there be.',
    open: 'It is not in the plan yet; it hangs on funding.',
  },
  ask_authority: {
    good: 'I decide that myself.',
    bad: 'Others decide, and they do not listen to me.',
    open: 'I advise those who decide.',
  },
  ask_timing: {
    good: 'We want to begin this quarter.',
    bad: 'Next year, or the year after.',
    open: 'As soon as our present contract lets us go.',
  },
  ask_tender: {
    good: 'The tender is open.',
    bad: 'The tender went to somebody else.',
    open: 'There may be a tender.',
  },
  ask_sponsor: {
    good: 'The head of the department is for it.',
    bad: 'Nobody above me speaks for it.',
    open: 'I do not know.',
  },
  ask_funding: {
    good: 'The funding comes this quarter.',
    bad: 'The funding was put off.',
    open: 'I do not know.',
  },
  ask_contract: {
    good: 'The contract ends next month.',
    bad: 'The contract runs for two more years.',
    open: 'I do not know.',
  },
}

const described: Readonly<Record<Question | Decision, string>> = {
  ask_need: 'Asks what the problem is.',
  ask_budget: 'Asks whether there is money.',
  ask_authority: 'Asks who decides.',
  ask_timing: 'Asks when it should begin.',
  ask_tender: 'Asks how far the tender is.',
  ask_sponsor: 'Asks whether one of those who decide is for it.',
  ask_funding: 'Asks whether the money will come.',
  ask_contract: 'Asks when the present contract ends.',
  qualify: 'Hands the lead to those who sell.',
  nurture: 'Keeps in touch until the time is right.',
  disqualify: 'Lets the lead go.',
}

const opened = /^Lead (L-\d+): (.+)\. Time for (\d) questions\.$/

const idOf = ({ id }: Lead): string => `L-${1000 + id}`

const leadOf = (environment: Environment): Lead => (environment as Call).state

const hungUp = 'The lead hung up.'
const ended = 'The call is over.'

export const conversation: Conversation = {
  system:
    'You qualify leads. Ask everybody for the need and the timing; startups for the budget too, ' +
    'large companies for authority and budget, public offices for the tender, customers for ' +
    'authority. Who only advises may have a sponsor; money that is not in the plan may come by ' +
    'funding; who is bound by a contract has to say when it ends: then ask for that. Without a ' +
    'need, a budget or a tender, disqualify at once. If anything else speaks against it, ' +
    'nurture; if nothing does, qualify. Never decide by a guess, and mind the patience of the ' +
    'lead: who is asked once too often hangs up.',
  tools: toolsAbout(
    'lead_id',
    'The lead on the phone',
    [...questions, ...decisions].map((name) => [name, described[name]]),
  ),
  closings: [hungUp, ended],
  opening(environment) {
    const lead = leadOf(environment)
    return `Lead ${idOf(lead)}: ${introduced[lead.segment]}. Time for ${lead.patience} questions.`
  },
  actionOf(environment, { name, arguments: given }) {
    const action = [...questions, ...decisions].findIndex((one) => one === name)
    if (action < 0) return `There is no tool ${name}`
    const id = idOf(leadOf(environment))
    return given['lead_id'] === id ? action : `lead_id must be ${id}`
  },
  reply(environment) {
    const { last, state, hasHungUp } = environment as Call
    if (last < 0) return ''
    if (hasHungUp) return hungUp
    const question = questions[last]
    const answer = state.answers[last]
    return question && answer ? said[question][answer] : ended
  },
  observe({ opening, calls }) {
    const [, , who, patience] = opened.exec(opening) ?? []
    const segment = segments.find((one) => introduced[one] === who)
    if (!segment) return null
    const heard: Answer[] = questions.map(() => 'open')
    let asked = 0
    for (const { name, reply } of calls) {
      const question = questions.findIndex((one) => one === name)
      const about = questions[question]
      const answer = about && answers.find((one) => said[about][one] === reply)
      if (!answer) continue
      heard[question] = answer
      asked |= bit(question)
    }
    const seen: Seen = { segment, patience: Number(patience), asked, answers: heard }
    const into = new Float32Array(observations)
    writeObservation(into, seen, calls.length)
    return into
  },
  argumentsOf: ({ opening }) => ({ lead_id: opened.exec(opening)?.[1] ?? '' }),
}
