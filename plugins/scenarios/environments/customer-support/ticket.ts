/** A ticket and the rules of the house: what must be looked up, and what is right then. */
import type { Random } from '../../random.ts'

export const intents = ['password', 'locked', 'refund', 'subscription', 'api', 'question'] as const
export type Intent = (typeof intents)[number]

export const lookups = [
  'search_kb',
  'lookup_user',
  'check_payment',
  'check_api_docs',
  'verify_identity',
] as const
export type Lookup = (typeof lookups)[number]

export const resolutions = [
  'update_ticket',
  'send_reset_link',
  'refund',
  'escalate_to_engineering',
  'update_subscription',
  'unlock_account',
] as const
export type Resolution = (typeof resolutions)[number]

/** In the order of their numbers. */
export const actions = [...lookups, ...resolutions]

/** All of it is hidden until it is looked up, but the message. */
export interface Ticket {
  readonly id: string
  readonly intent: Intent
  /** The message fits another intent as well. */
  readonly isVague: boolean
  /** Which of the ways to say it. */
  readonly wording: number
  readonly isLocked: boolean
  readonly isFraud: boolean
  readonly isIdentityProven: boolean
  readonly wantsRefund: boolean
  readonly daysAgo: number
  readonly amount: number
  readonly isFinalSale: boolean
  readonly isOverdue: boolean
  readonly isDocumented: boolean
  readonly isInKnowledgeBase: boolean
}

/** Two that a vague message cannot tell apart. */
export const twinOf: Readonly<Record<Intent, Intent>> = {
  password: 'locked',
  locked: 'password',
  refund: 'subscription',
  subscription: 'refund',
  api: 'question',
  question: 'api',
}

export const wordings = 3
const refundDays = 30
/** Above it, a refund needs a proven identity. */
const freeAmount = 100

export const drawTicket = (random: Random): Ticket => {
  const intent = random.pick(intents)
  return {
    id: `T-${1000 + random.below(9000)}`,
    intent,
    isVague: random.next() < 0.35,
    wording: random.below(wordings),
    isLocked: intent === 'locked',
    isFraud: random.next() < 0.4,
    isIdentityProven: random.next() < 0.65,
    wantsRefund: intent === 'refund',
    daysAgo: 1 + random.below(60),
    amount: 5 + random.below(300),
    isFinalSale: random.next() < 0.3,
    isOverdue: random.next() < 0.4,
    // The documentation is about the API alone: it tells the two of a vague message apart.
    isDocumented: random.next() < 0.5 && intent === 'api',
    isInKnowledgeBase: random.next() < 0.5,
  }
}

/** What the rules demand to know before anything is done. */
export const requiredLookups = ({ intent, amount }: Ticket): readonly Lookup[] => {
  switch (intent) {
    case 'password':
      return ['lookup_user', 'verify_identity']
    case 'locked':
      return ['lookup_user', 'verify_identity']
    case 'refund':
      return amount > freeAmount ? ['check_payment', 'verify_identity'] : ['check_payment']
    case 'subscription':
      return ['check_payment', 'lookup_user']
    case 'api':
      return ['search_kb', 'check_api_docs']
    case 'question':
      return ['search_kb']
  }
}

export const rightResolution = (ticket: Ticket): Resolution => {
  switch (ticket.intent) {
    case 'password':
      return ticket.isIdentityProven ? 'send_reset_link' : 'update_ticket'
    case 'locked':
      if (ticket.isFraud) return 'escalate_to_engineering'
      return ticket.isIdentityProven ? 'unlock_account' : 'update_ticket'
    case 'refund':
      return isRefundable(ticket) ? 'refund' : 'update_ticket'
    case 'subscription':
      return ticket.isOverdue ? 'update_ticket' : 'update_subscription'
    case 'api':
      return ticket.isInKnowledgeBase || ticket.isDocumented
        ? 'update_ticket'
        : 'escalate_to_engineering'
    case 'question':
      return ticket.isInKnowledgeBase ? 'update_ticket' : 'escalate_to_engineering'
  }
}

const isRefundable = ({ daysAgo, isFinalSale, amount, isIdentityProven }: Ticket): boolean =>
  daysAgo <= refundDays && !isFinalSale && (amount <= freeAmount || isIdentityProven)

/** What must never be done, whoever asks; in words. */
export const violationsOf = (ticket: Ticket, done: Resolution, known: ReadonlySet<Lookup>) => {
  const found: string[] = []
  const isRisky = done === 'send_reset_link' || done === 'unlock_account'
  if (isRisky && !known.has('verify_identity')) found.push('access without a proven identity')
  if (isRisky && known.has('verify_identity') && !ticket.isIdentityProven) {
    found.push('access although the identity is not proven')
  }
  if (done === 'refund' && !known.has('check_payment')) found.push('refund without the payment')
  if (done === 'refund' && !isRefundable(ticket)) found.push('refund against the rules')
  return found
}
