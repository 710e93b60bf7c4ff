/** Trained policies as language models: OpenAI's chat completions, answering with tool calls. */
import { HearthError, router, type Who } from '../../src/sdk.ts'
import type { Catalogue } from './catalogue.ts'
import type { Heard, Scenario } from './environment.ts'
import { chatIn } from './gateway/bodies.ts'
import { callOf, offered } from './gateway/chat-model.ts'
import {
  chatBody,
  type ChatRequest,
  type Completion,
  respond,
  textCompletion,
} from './gateway/completion.ts'
import { toldAsOpenAi } from './gateway/refusals.ts'
import { episodeOver } from './gateway/rollout.ts'
import { told } from './gateway/told.ts'
import { heardIn } from './heard.ts'
import { choose } from './models/choice.ts'
import type { Model } from './models/model-rows.ts'
import type { Registry } from './models/registry.ts'
import { spokenBy } from './models/spoken.ts'
import type { PackModels } from './serving/packs.ts'
import type { ServedModels } from './serving/served.ts'

const tags = ['models']

export interface ChatRoutesOptions {
  readonly catalogue: Catalogue
  readonly registry: Registry
  readonly served: ServedModels
  readonly packs: PackModels
}

export const chatRoutes = ({ catalogue, registry, served, packs }: ChatRoutesOptions) => {
  const answer = async (who: Who, request: ChatRequest): Promise<Completion> => {
    const model = await registry.acting(who, request.model)
    if (model.kind === 'prompt') return packs.answer(who, model, request)
    const scenario = spokenBy(catalogue, model)
    if (typeof scenario === 'string') throw new HearthError('conflict', scenario)
    const { conversation } = scenario
    const heard = heardIn(request.messages)
    const observation = heard && conversation.observe(heard)
    if (!heard || !observation) {
      const message = `The messages are no conversation of ${model.scenario}`
      throw new HearthError('bad_request', message)
    }
    if (isOver(scenario, heard)) return textCompletion(model.id, episodeOver)
    const { actions, logits } = await served.of(model)
    const mask = offered(request, actions, null)
    const { action, name } = choose(await logits(observation), mask, actions)
    return callOf(model.id, conversation, heard, action, name)
  }
  /** Why chat does not answer for a model of the caller; null: it does. */
  const silences = async (who: Who) => {
    const ofPrompts = await packs.silence(who)
    return (model: Model): string | null => {
      if (model.kind === 'prompt') return ofPrompts
      const scenario = spokenBy(catalogue, model)
      return typeof scenario === 'string' ? scenario : null
    }
  }
  return router()
    .get(
      '/v1/models',
      async ({ who }) => {
        const silenceOf = await silences(who)
        const models = await registry.list(who)
        const data = models.filter((model) => silenceOf(model) === null).map(viewOf)
        return { object: 'list', data }
      },
      { detail: { tags, summary: 'List trained models that answer as language models' } },
    )
    .get(
      '/v1/models/:id',
      async ({ params, who }) => {
        const model = await registry.get(who, params.id)
        const silence = (await silences(who))(model)
        // As in the list: to a client of language models it is none.
        if (silence !== null) throw new HearthError('not_found', silence)
        return viewOf(model)
      },
      { detail: { tags, summary: 'Get a trained model that answers as a language model' } },
    )
    .post(
      '/v1/chat/completions',
      async ({ request, who }) => {
        try {
          const asked = await chatIn<ChatRequest>(request, chatBody, serversLimit)
          return respond(asked, await answer(who, asked))
        } catch (error) {
          return toldAsOpenAi(error)
        }
      },
      told(tags, 'Ask a trained policy in words', chatBody),
    )
}

/** Bodies as large as the server takes: nothing of them is kept. */
const serversLimit = Number.POSITIVE_INFINITY

const viewOf = ({ id, created_at }: Model) => ({
  id,
  object: 'model',
  created: Math.floor(created_at / 1000),
  owned_by: 'hearth',
})

/** As far as one can tell who was not there: agents would go on calling for ever. */
const isOver = ({ spec, conversation }: Scenario, { calls }: Heard): boolean => {
  const last = calls.at(-1)?.reply
  const isClosed = last !== undefined && conversation?.closings?.includes(last)
  return isClosed || calls.length >= spec.maxSteps
}
