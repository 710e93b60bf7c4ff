/** Of each scenario: a state like another, but what the agent has not seen is drawn anew. */
import {
  type Change,
  drawPlace,
  type Place,
} from '../../../../plugins/scenarios/environments/code-review/change.ts'
import {
  drawMeeting,
  knownSlots,
  type Meeting,
} from '../../../../plugins/scenarios/environments/scheduling/week.ts'
import {
  drawNumbers,
  drawTable,
  type Work,
} from '../../../../plugins/scenarios/environments/data-analysis/table.ts'
import {
  drawTicket,
  type Intent,
  type Lookup,
  type Ticket,
  twinOf,
} from '../../../../plugins/scenarios/environments/customer-support/ticket.ts'
import {
  drawAnswers,
  type Lead,
} from '../../../../plugins/scenarios/environments/sales-qualification/lead.ts'
import { has } from '../../../../plugins/scenarios/environments/turns.ts'
import { Random } from '../../../../plugins/scenarios/random.ts'

export type Redraw = (saved: unknown, random: Random) => unknown

/** For environments of turns, whose state lies under `state`. */
const ofState =
  <State extends object>(redraw: (state: State, random: Random) => State): Redraw =>
  (saved, random) => {
    const whole = saved as { readonly state: State }
    return { ...whole, state: redraw(whole.state, random) }
  }

const shownBy: Readonly<Record<Lookup, readonly (keyof Ticket)[]>> = {
  search_kb: ['isInKnowledgeBase'],
  lookup_user: ['isLocked', 'isFraud'],
  check_payment: ['wantsRefund', 'daysAgo', 'amount', 'isFinalSale', 'isOverdue'],
  check_api_docs: ['isDocumented'],
  verify_identity: ['isIdentityProven'],
}

const ticket = (real: Ticket, known: readonly Lookup[], random: Random): Ticket => {
  const { id, isVague, wording } = real
  const intent = isVague ? believed(real, known, random) : real.intent
  const kept = known.flatMap((lookup) => shownBy[lookup].map((name) => [name, real[name]]))
  return {
    ...drawTicket(random),
    isLocked: intent === 'locked',
    wantsRefund: intent === 'refund',
    isDocumented: intent === 'api' && random.next() < 0.5,
    ...{ id, intent, isVague, wording },
    ...Object.fromEntries(kept),
  }
}

/** What a vague message may be about; of API and question always the one that demands more. */
const believed = ({ intent }: Ticket, known: readonly Lookup[], random: Random): Intent => {
  if (intent === 'api' || intent === 'question') return 'api'
  const telling = intent === 'refund' || intent === 'subscription' ? 'check_payment' : 'lookup_user'
  return known.includes(telling) || random.next() < 0.5 ? intent : twinOf[intent]
}

const meeting = (state: Meeting, random: Random): Meeting => {
  const { busy } = drawMeeting(random)
  const mixed = state.busy.map((real, person) => {
    const known = knownSlots(state, person)
    return (real & known) | ((busy[person] ?? 0) & ~known)
  })
  return { ...state, busy: mixed }
}

const change = (state: Change, random: Random): Change => ({
  ...state,
  places: state.places.map((real, i): Place => {
    const drawn = drawPlace(random)
    const { kind, isSuspect, wording } = has(state.inspected, i) ? real : drawn
    const { isExposed } = has(state.traced, i) ? real : drawn
    return { kind, isSuspect, wording, isExposed }
  }),
})

/** Once a test told of the numbers, they stay. */
const work = (state: Work, random: Random): Work => {
  const { table: real, looked, isRefused, statistics } = state
  if (statistics.some((one) => one !== null)) return state
  const [describe, plot, source] = [0, 1, 2].map((look) => has(looked, look))
  for (;;) {
    const drawn = drawTable(random)
    const missing = describe || isRefused ? real.missing : drawn.missing
    const isBelowLimit = describe && missing > 0 ? real.isBelowLimit : drawn.isBelowLimit
    const isTyped = source ? real.isTyped : drawn.isTyped
    const far = plot ? real.far.length : drawn.far.length
    const { id, question } = real
    const plan = { id, question, rows: drawn.x.length, missing, far, isBelowLimit, isTyped }
    const table = drawNumbers(random, plan)
    if (!plot || table.far.length === far) return { ...state, table }
  }
}

/** Drawn until no more than one answer is open, as always. */
const lead = (state: Lead, random: Random): Lead => {
  for (;;) {
    const drawn = drawAnswers(random)
    const answers = drawn.map((answer, i) => (has(state.asked, i) ? state.answers[i] : answer))
    const mixed = answers.map((answer) => answer ?? 'good')
    if (mixed.filter((answer) => answer === 'open').length <= 1) return { ...state, answers: mixed }
  }
}

export const redrawn: Readonly<Record<string, Redraw>> = {
  customer_support(saved, random) {
    const whole = saved as { readonly ticket: Ticket; readonly known: readonly Lookup[] }
    return { ...whole, ticket: ticket(whole.ticket, whole.known, random) }
  },
  code_review: ofState(change),
  data_analysis: ofState(work),
  sales_qualification: ofState(lead),
  scheduling: ofState(meeting),
}
