/** Trained policies as language models: OpenAI's chat completions, answering with tool calls. */
import { HearthError, router, type Who } from '../../src/sdk.ts'
import type { Catalogue } from './catalogue.ts'
import type { Heard, Scenario } from './environment.ts'
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
import { heardIn } from './heard.ts'
import { choose } from './models/choice.ts'
import type { Registry } from './models/registry.ts'
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
    if (model.kind === 'adapter') {
      const instead = 'take it away (format=lora) to a server of language models'
      throw new HearthError('conflict', `An adapter answers on top of its base only: ${instead}`)
    }
    const scenario = catalogue.find(model.scenario)
    const conversation = scenario?.conversation
    if (!conversation) {
      throw new HearthError('conflict', `Nothing is said in ${model.scenario}: use /act`)
    }
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
  return router()
    .get(
      '/v1/models',
      async ({ who }) => ({
        object: 'list',
        data: (await registry.list(who)).map(({ id, created_at }) => ({
          id,
          object: 'model',
          created: Math.floor(created_at / 1000),
          owned_by: 'hearth',
        })),
      }),
      { detail: { tags, summary: 'List trained policies as language models' } },
    )
    .post(
      '/v1/chat/completions',
      async ({ body, who }) => {
        const request = body as ChatRequest
        try {
          return respond(request, await answer(who, request))
        } catch (error) {
          return toldAsOpenAi(error)
        }
      },
      { body: chatBody, detail: { tags, summary: 'Ask a trained policy in words' } },
    )
}

/** As far as one can tell who was not there: agents would go on calling for ever. */
const isOver = ({ spec, conversation }: Scenario, { calls }: Heard): boolean => {
  const last = calls.at(-1)?.reply
  const isClosed = last !== undefined && conversation?.closings?.includes(last)
  return isClosed || calls.length >= spec.maxSteps
}
