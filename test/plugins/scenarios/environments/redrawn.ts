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
  drawTicket,
  type Lookup,
  type Ticket,
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
  // The intent stays: who takes a vague message at its word is not always careful enough.
  customer_support(saved, random) {
    const whole = saved as { readonly ticket: Ticket; readonly known: readonly Lookup[] }
    const { ticket, known } = whole
    const { id, intent, isVague, wording, isLocked, wantsRefund } = ticket
    const kept = known.flatMap((lookup) => shownBy[lookup].map((name) => [name, ticket[name]]))
    const other = { ...drawTicket(random), isDocumented: intent === 'api' && random.next() < 0.5 }
    const same = { id, intent, isVague, wording, isLocked, wantsRefund }
    return { ...whole, ticket: { ...other, ...same, ...Object.fromEntries(kept) } }
  },
  code_review: ofState(change),
  sales_qualification: ofState(lead),
  scheduling: ofState(meeting),
}
