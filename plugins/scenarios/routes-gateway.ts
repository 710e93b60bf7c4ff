/** The gateway's routes of the server: external agents play here, each user their own rollouts. */
import { router, t as elysia, Type as t, type Who } from '../../src/sdk.ts'
import { toolBody, wishBody } from './gateway/bodies.ts'
import { rolloutChatBody } from './gateway/completion.ts'
import { answerGateway } from './gateway/handler.ts'
import type { RolloutTable } from './gateway/rollout-table.ts'
import { told } from './gateway/told.ts'

const tags = ['agents']
const prefix = '/api/agents'

const page = t.Object({
  skip: elysia.Integer({ minimum: 0, maximum: 1_000_000, default: 0 }),
  limit: elysia.Integer({ minimum: 1, maximum: 200, default: 50 }),
})

export const gatewayRoutes = (rollouts: RolloutTable) => {
  const answer = ({ request, who }: { request: Request; who: Who }) =>
    answerGateway(rollouts.of(who), request, prefix)
  const one = `${prefix}/rollouts/:id` as const
  return router()
    .get(`${prefix}/rollouts`, ({ query, who }) => rollouts.list(who, query), {
      query: page,
      detail: { tags, summary: 'List your rollouts' },
    })
    .post(`${prefix}/rollouts`, answer, told(tags, 'Begin a rollout for an agent', wishBody))
    .get(one, answer, told(tags, 'Get what was recorded of a rollout'))
    .post(`${one}/end`, answer, told(tags, 'End a rollout; whoever breaks off has failed'))
    .post(`${one}/tools/:name`, answer, told(tags, 'Call a tool of the scenario', toolBody))
    .post(
      `${one}/v1/chat/completions`,
      answer,
      told(tags, "Ask the rollout's model, as OpenAI's clients do", rolloutChatBody),
    )
    .get(`${one}/v1/models`, answer, told(tags, 'List who answers at this address'))
}
