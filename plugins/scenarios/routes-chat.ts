/** Trained policies as language models: OpenAI's chat completions, answering with tool calls. */
import { HearthError, router, Type as t } from '../../src/sdk.ts'
import type { Catalogue } from './catalogue.ts'
import { heardIn, type Message } from './heard.ts'
import type { Registry } from './registry.ts'

const tags = ['models']

const part = t.Object({ type: t.String(), text: t.Optional(t.String()) })
const content = t.Union([t.String(), t.Array(part), t.Null()])

/** What others send besides is passed over, as other servers of this API do. */
const message = t.Object({
  role: t.String(),
  content: t.Optional(content),
  tool_call_id: t.Optional(t.String()),
  tool_calls: t.Optional(
    t.Array(
      t.Object({
        id: t.String(),
        function: t.Object({ name: t.String(), arguments: t.String() }),
      }),
    ),
  ),
})

const body = t.Object({
  model: t.String({ minLength: 1, maxLength: 200 }),
  messages: t.Array(message, { minItems: 1, maxItems: 1000 }),
  tools: t.Optional(t.Array(t.Object({ function: t.Object({ name: t.String() }) }))),
  stream: t.Optional(t.Boolean()),
})

export const chatRoutes = (catalogue: Catalogue, registry: Registry) =>
  router()
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
      async ({ body: { model: id, messages, tools, stream }, who }) => {
        if (stream) throw new HearthError('bad_request', 'A policy answers at once: no stream')
        const model = await registry.get(who, id)
        const conversation = catalogue.find(model.scenario)?.conversation
        if (!conversation) {
          throw new HearthError('conflict', `Nothing is said in ${model.scenario}: use /act`)
        }
        const heard = heardIn(messages as Message[])
        const observation = heard && conversation.observe(heard)
        if (!heard || !observation) {
          const message = `The messages are no conversation of ${model.scenario}`
          throw new HearthError('bad_request', message)
        }
        const policy = await registry.policy(model)
        const offered = tools && new Set(tools.map(({ function: { name } }) => name))
        const mask = policy.file.actions.map((name) => (!offered || offered.has(name) ? 1 : 0))
        if (mask.every((open) => open === 0)) {
          throw new HearthError('bad_request', 'None of the tools is one of the scenario')
        }
        const { action, name } = policy.act(observation, mask)
        const call = {
          id: `call_${crypto.randomUUID().replaceAll('-', '').slice(0, 24)}`,
          type: 'function',
          function: { name, arguments: JSON.stringify(conversation.argumentsOf(heard, action)) },
        }
        return {
          id: `chatcmpl-${crypto.randomUUID()}`,
          object: 'chat.completion',
          created: Math.floor(Date.now() / 1000),
          model: id,
          choices: [
            {
              index: 0,
              message: { role: 'assistant', content: null, tool_calls: [call] },
              finish_reason: 'tool_calls',
            },
          ],
          usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
        }
      },
      { body, detail: { tags, summary: 'Ask a trained policy in words' } },
    )
