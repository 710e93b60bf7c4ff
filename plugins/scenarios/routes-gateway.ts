/** The gateway's routes of the server: external agents play here, each user their own rollouts. */
import { router, t as elysia, Type as t, type Who } from '../../src/sdk.ts'
import { toolBody, wishBody } from './gateway/bodies.ts'
import { chatBody } from './gateway/completion.ts'
import { answerGateway } from './gateway/handler.ts'
import type { RolloutTable } from './gateway/rollout-table.ts'

const tags = ['agents']
const prefix = '/api/agents'

const page = t.Object({
  skip: elysia.Integer({ minimum: 0, maximum: 1_000_000, default: 0 }),
  limit: elysia.Integer({ minimum: 1, maximum: 200, default: 50 }),
})

/** The handler reads and checks bodies itself, as it does in jobs: here they are documented. */
const told = (summary: string, schema?: object) => ({
  parse: 'none' as const,
  detail: {
    tags,
    summary,
    ...(schema && {
      requestBody: { required: true, content: { 'application/json': { schema } } },
    }),
  },
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
    .post(`${prefix}/rollouts`, answer, told('Begin a rollout for an agent', wishBody))
    .get(one, answer, told('Get what was recorded of a rollout'))
    .post(`${one}/end`, answer, told('End a rollout; whoever breaks off has failed'))
    .post(`${one}/tools/:name`, answer, told('Call a tool of the scenario', toolBody))
    .post(
      `${one}/v1/chat/completions`,
      answer,
      told("Ask the rollout's model, as OpenAI's clients do", chatBody),
    )
    .get(`${one}/v1/models`, answer, told('List who answers at this address'))
}
