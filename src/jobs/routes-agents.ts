/** The routes that nodes call: join, sync, start, finish. */
import { router, t } from '../sdk.ts'
import { wholeNumber } from './attempt-log-query.ts'
import { checkJobId, type Engine } from './engine.ts'
import { FinishRequest, JoinRequest, SyncRequest } from './protocol.ts'

/** Nodes prove themselves by their own credential, which is checked here. */
const forNodes = { security: [], 'x-rate-limit': 'agent', tags: ['agents'] } as object

const maxPlanBytes = 64 * 2 ** 20

export const agentRoutes = ({ nodes, tokens, sync, attempts }: Engine) =>
  router()
    .post('/api/agents/join', ({ body }) => tokens.join(body), {
      body: JoinRequest,
      detail: {
        tags: ['agents'],
        security: [],
        'x-rate-limit': 'login',
        summary: 'Join as a node',
        description: 'Exchanges a join token for a credential of the node, which is shown once.',
      } as object,
    })
    .post(
      '/api/agents/sync',
      async ({ body, request }) => sync.sync(await nodes.of(request), body, request.signal),
      {
        body: SyncRequest,
        detail: {
          ...forNodes,
          'x-max-body': maxPlanBytes,
          summary: 'Say what a node holds, and be told what it is to do',
        } as object,
      },
    )
    .post(
      '/api/attempts/:job/:attempt/start',
      async ({ params, request }) => {
        const node = await nodes.of(request)
        const attempt = wholeNumber(params.attempt, 'path.attempt')
        return attempts.start(node, checkJobId(params.job), attempt)
      },
      {
        parse: 'none',
        detail: { ...forNodes, summary: 'Begin an attempt: must succeed before it is spawned' },
      },
    )
    .post(
      '/api/attempts/:job/:attempt/finish',
      async ({ params, body, request }) => {
        const node = await nodes.of(request)
        const attempt = wholeNumber(params.attempt, 'path.attempt')
        const result = await attempts.finish(node, checkJobId(params.job), attempt, body)
        if (result.ok) return Response.json({})
        const { ok: _, status, ...missing } = result
        return Response.json(missing, { status })
      },
      {
        body: FinishRequest,
        response: t.Any(),
        detail: {
          ...forNodes,
          'x-max-body': maxPlanBytes,
          summary: 'End an attempt, once its log, events and files are all here',
        } as object,
      },
    )
