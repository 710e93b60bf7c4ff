/** Has programs written by language models. */
import type { Journal } from '../../journal/journal.ts'
import type { Node } from '../../journal/node.ts'
import { ModelError } from '../../models/errors.ts'
import type { Models, Question } from '../../models/models.ts'
import type { Replay } from '../../models/replay.ts'
import type { Action } from '../../search/policy.ts'
import type { ExperimentSettings, RoleSettings } from '../../settings.ts'
import type { Proposal, ProposeContext, Proposer, Review } from '../proposer.ts'
import { extractProgram } from './extract.ts'
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

/** A reply without a program is asked for again so often. */
const maxReplies = 3

/** AIDE's own; models that refuse it are asked without. */
const usualTemperature = 0.5

export interface ModelProposerOptions {
  readonly models: Models
  readonly settings: Pick<ExperimentSettings, 'models'>
  readonly replay: Replay | null
}

export const createModelProposer = (options: ModelProposerOptions): Proposer => {
  const { models, settings, replay } = options
  const roleOf = (role: Question['role']): RoleSettings => {
    const chosen = settings.models[role] ?? settings.models.code
    const model = chosen?.model ?? models.defaultModel(role) ?? (replay && 'recorded')
    if (!model) throw new ModelError('EXECUTION_ERROR', 'No language model is set')
    return { temperature: usualTemperature, ...chosen, model }
  }
  const ask = (
    context: ProposeContext,
    operator: string,
    role: Question['role'],
    prompt: string,
    tool?: Question['tool'],
  ) =>
    models.ask(
      {
        experimentId: context.experimentId,
        step: context.step,
        operator,
        role,
        settings: roleOf(role),
        prompt,
        ...(tool && { tool }),
        signal: context.signal,
      },
      replay,
    )
  return {
    name: roleOf('code').model,
    async propose(action, context) {
      const prompt = promptFor(action, context)
      const calls: string[] = []
      let plan = ''
      for (let i = 0; i < maxReplies; i++) {
        const { call, text } = await ask(context, action.kind, 'code', prompt)
        calls.push(call)
        const found = extractProgram(text)
        plan = found.plan
        if (found.code !== '') return { ...found, author: roleOf('code').model, calls }
      }
      return withoutProgram(plan, roleOf('code').model, calls)
    },
    async review(node, run, context) {
      const prompt = reviewPrompt(context, node, run)
      const { call, text, input } = await ask(context, 'review', 'review', prompt, reviewTool)
      return reviewOf(readReview(input, text), call)
    },
    async report(context, best) {
      const { text } = await ask(context, 'report', 'report', reportPrompt(context, best))
      return text.trim() === '' ? null : text
    },
  }
}

const withoutProgram = (plan: string, author: string, calls: readonly string[]): Proposal => ({
  plan: plan.slice(0, 5000),
  code: '',
  problem: `No program could be read out of ${calls.length} replies`,
  author,
  calls,
})

const reviewOf = (found: ReturnType<typeof readReview>, call: string): Review => {
  if (found) return { ...found, calls: [call] }
  const problem = 'The review could not be read'
  return { isBug: false, summary: '', metric: null, lowerIsBetter: null, calls: [call], problem }
}

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
