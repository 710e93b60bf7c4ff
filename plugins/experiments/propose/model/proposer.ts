/** Has programs written, and what they print read, by language models. */
import type { Journal } from '../../journal/journal.ts'
import type { Node } from '../../journal/node.ts'
import { ModelError, OutOfTimeError } from '../../models/errors.ts'
import type { Question, Reply } from '../../models/models.ts'
import type { Action } from '../../search/policy.ts'
import type { ProposeContext, Proposer } from '../proposer.ts'
import { extractProgram, withoutThoughts } from './extract.ts'
import {
  debugPrompt,
  draftPrompt,
  fusePrompt,
  improvePrompt,
  reportPrompt,
  reviewPrompt,
  reviewTool,
} from './operators.ts'
import { readReview } from './read-review.ts'
import { type ModelProposerOptions, rolesOf } from './roles.ts'

/** A reply that cannot be used is asked for again so often. */
const maxReplies = 3

/** What the last program printed is read even when the time is up: it has been paid for. */
const graceS = 60

interface Asked extends Pick<Question, 'operator' | 'role' | 'prompt' | 'tool'> {
  /** Seconds that it has in any case. */
  readonly graceS: number
}

interface Found<T> {
  /** null: no reply could be used. */
  readonly found: T | null
  readonly last: Reply | null
  readonly calls: readonly string[]
  readonly isLate: boolean
}

/** @throws HearthError `validation` when nobody has a model that is asked for, or its price */
export const createModelProposer = (options: ModelProposerOptions): Proposer => {
  const { models, recording } = options
  const roles = rolesOf(options)
  const ask = async <T>(
    { experimentId, step, signal, secondsLeft }: ProposeContext,
    { graceS: least, ...asked }: Asked,
    read: (reply: Reply) => T | null,
  ): Promise<Found<T>> => {
    const until = models.timeIn(secondsLeft === null ? null : Math.max(least, secondsLeft))
    const question = { experimentId, step, signal, until, settings: roles[asked.role], ...asked }
    const calls: string[] = []
    let last: Reply | null = null
    try {
      while (calls.length < maxReplies) {
        last = await models.ask(question, recording)
        calls.push(last.call)
        const found = read(last)
        if (found !== null) return { found, last, calls, isLate: false }
      }
    } catch (error) {
      if (error instanceof OutOfTimeError) return { found: null, last, calls, isLate: true }
      throw error
    }
    return { found: null, last, calls, isLate: false }
  }
  return {
    name: roles.code.model,
    async propose(action, context) {
      const prompt = promptFor(action, context)
      const asked = { operator: action.kind, role: 'code', prompt, graceS: 0 } as const
      const { found, last, calls, isLate } = await ask(context, asked, ({ text }) => {
        const program = extractProgram(text)
        return program.code === '' ? null : program
      })
      const author = last?.model ?? roles.code.model
      if (found) return { ...found, author, calls }
      const plan = last ? extractProgram(last.text).plan.slice(0, 5000) : ''
      return { plan, code: '', problem: problemOf('program', calls, isLate), author, calls }
    },
    async review(node, run, context) {
      const prompt = reviewPrompt(context, node, run)
      const asked = {
        operator: 'review',
        role: 'review',
        prompt,
        tool: reviewTool,
        graceS,
      } as const
      const { found, calls, isLate } = await ask(context, asked, ({ input, text }) =>
        readReview(input, text),
      )
      if (found) return { ...found, calls }
      return { ...unread, calls, problem: problemOf('review', calls, isLate) }
    },
    async report(context, best) {
      const prompt = reportPrompt(context, best)
      const asked = { operator: 'report', role: 'report', prompt, graceS } as const
      try {
        const { found } = await ask(
          context,
          asked,
          ({ text }) => withoutThoughts(text).trim() || null,
        )
        return found
      } catch (error) {
        // The search is over and paid for: the facts are reported, and the ledger tells why.
        if (error instanceof ModelError) return null
        throw error
      }
    },
  }
}

const problemOf = (wanted: string, { length }: readonly string[], isLate: boolean): string =>
  isLate
    ? `The time was up before a model gave a ${wanted}`
    : `No ${wanted} could be read out of ${length} replies`

const unread = { isBug: false, summary: '', metric: null, lowerIsBetter: null } as const

const promptFor = (action: Action, context: ProposeContext): string => {
  const node = (id: string) => nodeIn(context.journal, id)
  switch (action.kind) {
    case 'draft':
      return draftPrompt(context)
    case 'improve':
      return improvePrompt(context, node(action.parent))
    case 'debug':
      return debugPrompt(context, node(action.parent))
    case 'fuse':
      return fusePrompt(context, action.parents.map(node))
  }
}

const nodeIn = ({ nodes }: Journal, id: string): Node => {
  const node = nodes.find((one) => one.id === id)
  if (!node) throw new Error(`There is no node ${id}`)
  return node
}
