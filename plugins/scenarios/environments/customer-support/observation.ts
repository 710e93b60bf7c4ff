/** What the policy sees of a ticket: its message, what was looked up, and what came to light. */
import { type Intent, intents, type Lookup, lookups, type Ticket } from './ticket.ts'

/** Then the customer has left. */
export const maxSteps = 8
const facts = 10
export const observations = intents.length + lookups.length + facts + 1

export interface Seen {
  /** What the message may be about. */
  readonly hints: readonly Intent[]
  readonly known: ReadonlySet<Lookup>
  /** Of these, what is known is read. */
  readonly facts: Partial<Ticket>
  readonly steps: number
}

export const writeObservation = (into: Float32Array, seen: Seen): void => {
  const { hints, known, facts: ticket, steps } = seen
  into.fill(0)
  for (const intent of hints) into[intents.indexOf(intent)] = 1 / hints.length
  for (const [i, lookup] of lookups.entries()) {
    if (known.has(lookup)) into[intents.length + i] = 1
  }
  const at = intents.length + lookups.length
  if (known.has('lookup_user')) {
    into[at] = sign(ticket.isLocked)
    into[at + 1] = sign(ticket.isFraud)
  }
  if (known.has('check_payment')) {
    into[at + 2] = sign(ticket.wantsRefund)
    into[at + 3] = (ticket.daysAgo ?? 0) / 30 - 1
    into[at + 4] = (ticket.amount ?? 0) / 100 - 1
    into[at + 5] = sign(ticket.isFinalSale)
    into[at + 6] = sign(ticket.isOverdue)
  }
  if (known.has('check_api_docs')) into[at + 7] = sign(ticket.isDocumented)
  if (known.has('search_kb')) into[at + 8] = sign(ticket.isInKnowledgeBase)
  if (known.has('verify_identity')) into[at + 9] = sign(ticket.isIdentityProven)
  into[at + facts] = steps / maxSteps
}

const sign = (value: boolean | undefined): number => (value ? 1 : -1)
