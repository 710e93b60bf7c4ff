/** The desk in words: what customers write, and what the tools answer. */
import type { Conversation, Environment, ToolCall } from '../../environment.ts'
import type { Desk } from './customer-support.ts'
import { observations, writeObservation } from './observation.ts'
import {
  actions,
  type Intent,
  intents,
  type Lookup,
  type Resolution,
  type Ticket,
} from './ticket.ts'

const clear: Readonly<Record<Intent, readonly string[]>> = {
  password: [
    'I forgot my password and need a new one.',
    'My password no longer works, please let me reset it.',
    'How do I get a new password?',
  ],
  locked: [
    'It says my account is locked.',
    'You locked my account, please open it again.',
    'My account was locked this morning.',
  ],
  refund: [
    'I want my money back for my last order.',
    'Please refund my purchase.',
    'The product is not for me, I would like a refund.',
  ],
  subscription: [
    'Please move me to the yearly plan.',
    'I would like to change my subscription.',
    'Switch me to the bigger plan, please.',
  ],
  api: [
    'Your API answers 500 to my requests.',
    'The endpoint for invoices returns an error.',
    'My integration gets strange answers from the API.',
  ],
  question: [
    'Can I export my data?',
    'Do you offer invoices for companies?',
    'Where do I change the language?',
  ],
}

/** One for both of a pair: nobody could tell them apart. */
const vague: Readonly<Record<Intent, readonly string[]>> = (() => {
  const access = [
    'I cannot get into my account.',
    'Signing in does not work any more.',
    'I am shut out, please help.',
  ]
  const money = [
    'There is something wrong with what I pay.',
    'I have a request about my last bill.',
    'About the charge on my card: please change it.',
  ]
  const product = [
    'Something does not work as I expect it to.',
    'How is this supposed to behave?',
    'I do not understand what your product does here.',
  ]
  return {
    password: access,
    locked: access,
    refund: money,
    subscription: money,
    api: product,
    question: product,
  }
})()

const told: Readonly<Record<Lookup, (ticket: Ticket) => string>> = {
  search_kb: ({ isInKnowledgeBase }) =>
    isInKnowledgeBase ? 'An article answers this.' : 'No article is about this.',
  lookup_user: ({ isLocked, isFraud }) =>
    `The account is ${isLocked ? 'locked' : 'open'}; ` +
    `${isFraud ? 'there is a warning of fraud' : 'there is no warning'}.`,
  check_payment: ({ wantsRefund, daysAgo, amount, isFinalSale, isOverdue }) =>
    `The customer ${wantsRefund ? 'asked for a refund' : 'asked to change the plan'}. ` +
    `Last payment: ${amount} dollars, ${daysAgo} days ago, ` +
    `${isFinalSale ? 'a final sale' : 'returnable'}. ` +
    `${isOverdue ? 'A bill is overdue.' : 'No bill is overdue.'}`,
  check_api_docs: ({ isDocumented }) =>
    isDocumented ? 'The documentation describes this.' : 'The documentation does not know this.',
  verify_identity: ({ isIdentityProven }) =>
    isIdentityProven ? 'The identity is proven.' : 'The identity could not be proven.',
}

/** The other way round: what a reply says. */
const factsIn = (reply: string): Partial<Ticket> => ({
  ...(reply.includes('article') && { isInKnowledgeBase: reply.startsWith('An article') }),
  ...(reply.startsWith('The account') && {
    isLocked: reply.includes('is locked'),
    isFraud: reply.includes('a warning of fraud'),
  }),
  ...(reply.startsWith('The customer') && {
    wantsRefund: reply.includes('a refund'),
    amount: Number(/(\d+) dollars/.exec(reply)?.[1]),
    daysAgo: Number(/(\d+) days/.exec(reply)?.[1]),
    isFinalSale: reply.includes('final sale'),
    isOverdue: reply.includes('is overdue') && !reply.includes('No bill'),
  }),
  ...(reply.startsWith('The documentation') && { isDocumented: reply.includes('describes') }),
  ...(reply.startsWith('The identity') && { isIdentityProven: reply.includes('is proven') }),
})

const described: Readonly<Record<Lookup | Resolution, string>> = {
  search_kb: 'Looks for an article about the problem.',
  lookup_user: 'Shows the state of the account.',
  check_payment: 'Shows the last payment and the open bills.',
  check_api_docs: 'Looks the behaviour up in the documentation of the API.',
  verify_identity: 'Asks the customer to prove who they are.',
  update_ticket: 'Answers, or declines, and closes the ticket.',
  send_reset_link: 'Sends a link for a new password and closes the ticket.',
  refund: 'Pays the last payment back and closes the ticket.',
  escalate_to_engineering: 'Hands the ticket to the engineers.',
  update_subscription: 'Changes the plan and closes the ticket.',
  unlock_account: 'Unlocks the account and closes the ticket.',
}

const closed = 'The ticket is closed.'

const desk = (environment: Environment): Desk => environment as Desk

export const conversation: Conversation = {
  system:
    'You work at the desk of customer support. Call one tool at a time; the last one resolves ' +
    'the ticket. Before a password is reset or an account unlocked, look the user up and verify ' +
    'the identity; without proof, close the ticket. A locked account with a warning of fraud ' +
    'goes to engineering. Refunds: check the payment; at most 30 days, never for a final sale, ' +
    'and above 100 dollars only with a proven identity; otherwise close the ticket. Plans: check ' +
    'the payment and look the user up; change the plan unless a bill is overdue. Trouble with ' +
    'the API: search the articles, then the documentation; if neither knows it, escalate. ' +
    'Questions: search the articles; if none answers, escalate.',
  tools: actions.map((name) => ({
    name,
    description: described[name],
    parameters: {
      type: 'object',
      properties: { ticket_id: { type: 'string', description: 'The ticket at hand' } },
      required: ['ticket_id'],
      additionalProperties: false,
    },
  })),
  closings: [closed],
  opening(environment) {
    const { id, intent, isVague, wording } = desk(environment).ticket
    const said = (isVague ? vague : clear)[intent][wording] ?? ''
    return `Ticket ${id}: ${said}`
  },
  actionOf(environment, { name, arguments: given }: ToolCall) {
    const action = actions.findIndex((one) => one === name)
    if (action < 0) return `There is no tool ${name}`
    const { id } = desk(environment).ticket
    return given['ticket_id'] === id ? action : `ticket_id must be ${id}`
  },
  reply(environment) {
    const { last, ticket } = desk(environment)
    const name = actions[last]
    if (name === undefined) return ''
    return name in told ? told[name as Lookup](ticket) : closed
  },
  observe({ opening, calls }) {
    const said = /^Ticket \S+: (.*)$/s.exec(opening)?.[1]
    if (said === undefined) return null
    const about = (texts: Readonly<Record<Intent, readonly string[]>>) =>
      intents.filter((intent) => texts[intent].includes(said))
    const hints = [...about(clear), ...about(vague)]
    if (hints.length === 0) return null
    const heard = calls.filter(({ name }) => name in told)
    const seen = {
      hints,
      known: new Set(heard.map(({ name }) => name as Lookup)),
      facts: Object.assign({}, ...heard.map(({ reply }) => factsIn(reply))) as Partial<Ticket>,
      steps: calls.length,
    }
    const into = new Float32Array(observations)
    writeObservation(into, seen)
    return into
  },
  argumentsOf: ({ opening }) => ({ ticket_id: /^Ticket (\S+):/.exec(opening)?.[1] ?? '' }),
}
