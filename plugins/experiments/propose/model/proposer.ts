/** Has programs written, and what they print read, by language models. */
import { invalid } from '../../errors.ts'
import type { Journal } from '../../journal/journal.ts'
import type { Node } from '../../journal/node.ts'
import { ModelError } from '../../models/errors.ts'
import type { Models, Question } from '../../models/models.ts'
import { priceOf } from '../../models/prices.ts'
import type { Recording } from '../../models/replay.ts'
import type { Action } from '../../search/policy.ts'
import type { ExperimentSettings, RoleSettings } from '../../settings.ts'
import type { Proposal, ProposeContext, Proposer, Review } from '../proposer.ts'
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

/** A reply that cannot be used is asked for again so often. */
const maxReplies = 3

/** AIDE's own; models that refuse it are asked without. */
const usualTemperature = 0.5

export interface ModelProposerOptions {
  readonly models: Models
  readonly settings: Pick<ExperimentSettings, 'models' | 'budget'>
  readonly recording: Recording | null
}

/** @throws HearthError `validation` when nobody has a model that is asked for, or its price */
export const createModelProposer = (options: ModelProposerOptions): Proposer => {
  const { models, recording } = options
  const roles = rolesOf(options)
  if (recording?.kind !== 'whole') checkRoles(options, roles)
  const ask = (
    context: ProposeContext,
    operator: string,
    role: Question['role'],
    prompt: string,
    tool?: Question['tool'],
  ) => {
    const { experimentId, step, signal } = context
    const settings = roles[role]
    const question = { experimentId, step, operator, role, settings, prompt, signal }
    return models.ask(tool ? { ...question, tool } : question, recording)
  }
  return {
    name: roles.code.model,
    async propose(action, context) {
      const prompt = promptFor(action, context)
      const calls: string[] = []
      for (;;) {
        const { call, model, text } = await ask(context, action.kind, 'code', prompt)
        calls.push(call)
        const found = extractProgram(text)
        if (found.code !== '') return { ...found, author: model, calls }
        if (calls.length === maxReplies) return withoutProgram(found.plan, model, calls)
      }
    },
    async review(node, run, context) {
      const prompt = reviewPrompt(context, node, run)
      const calls: string[] = []
      for (;;) {
        const { call, text, input } = await ask(context, 'review', 'review', prompt, reviewTool)
        calls.push(call)
        const found = readReview(input, text)
        if (found) return { ...found, calls }
        if (calls.length === maxReplies) return unreadable(calls)
      }
    },
    async report(context, best) {
      try {
        const { text } = await ask(context, 'report', 'report', reportPrompt(context, best))
        return text.trim() === '' ? null : withoutThoughts(text)
      } catch (error) {
        // The search is over and paid for: the facts are reported, and the ledger tells why.
        if (error instanceof ModelError) return null
        throw error
      }
    },
  }
}

type Roles = Readonly<Record<Question['role'], RoleSettings>>

const rolesOf = ({ models, settings, recording }: ModelProposerOptions): Roles => {
  const roleOf = (role: Question['role']): RoleSettings => {
    const chosen = settings.models[role] ?? settings.models.code
    const recorded = recording?.kind === 'whole' ? 'recorded' : null
    const model = chosen?.model ?? models.defaultModel(role) ?? recorded
    if (model === null) throw invalid('body.proposer', 'No language model is set')
    return { temperature: usualTemperature, ...chosen, model }
  }
  return { code: roleOf('code'), review: roleOf('review'), report: roleOf('report') }
}

/** Found out before anything is paid. */
const checkRoles = ({ models, settings }: ModelProposerOptions, roles: Roles): void => {
  for (const [role, chosen] of Object.entries(roles)) {
    const provider = models.providerOf(chosen.model)
    if (!provider) {
      throw invalid(`body.models.${role}`, `No provider is set that has the model ${chosen.model}`)
    }
    if (settings.budget.usd !== undefined && !priceOf(chosen, provider.name)) {
      throw invalid(
        `body.models.${role}`,
        `What ${chosen.model} costs is not known: give usdPerMillion, or no budget of money`,
      )
    }
  }
}

const withoutProgram = (plan: string, author: string, calls: readonly string[]): Proposal => ({
  plan: plan.slice(0, 5000),
  code: '',
  problem: `No program could be read out of ${calls.length} replies`,
  author,
  calls,
})

const unreadable = (calls: readonly string[]): Review => ({
  isBug: false,
  summary: '',
  metric: null,
  lowerIsBetter: null,
  calls,
  problem: `No review could be read out of ${calls.length} replies`,
})

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
