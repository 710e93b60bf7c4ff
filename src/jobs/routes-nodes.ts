/** The routes of nodes and of the tokens by which they join. */
import type { Who } from '../auth/who.ts'
import { HearthError, router, t } from '../sdk.ts'
import type { Clock } from '../kernel/clock.ts'
import { wholeNumber } from './attempt-log-query.ts'
import { isVisible } from './commands.ts'
import type { Engine } from './engine.ts'
import { listNodes } from './node-list.ts'

const tags = ['nodes']
const dayMs = 86_400_000
const defaultExpiryMs = dayMs

/** Whoever runs the server decides which machines take part. */
const mustAdminister = (who: Who): void => {
  if (!who.isSuperuser) throw new HearthError('forbidden')
}

const newToken = t.Object({
  name: t.Optional(t.String({ minLength: 1, maxLength: 200 })),
  /** Null: it never expires. Default: a day. */
  expires_in_s: t.Optional(t.Union([t.Integer({ minimum: 1, maximum: 3650 * 86_400 }), t.Null()])),
  /** Null: any number of machines. Default: one. */
  uses: t.Optional(t.Union([t.Integer({ minimum: 1, maximum: 1_000_000 }), t.Null()])),
})

export const nodeRoutes = (engine: Engine, clock: Clock) => {
  const { nodes, tokens, sessions } = engine
  const { db } = engine.commands
  const list = (who: Who) => listNodes(db, nodes, clock, (job) => isVisible(who, job))
  return router()
    .get('/api/nodes', ({ who }) => list(who), { detail: { tags, summary: 'List nodes' } })
    .post(
      '/api/nodes/:id/drain',
      async ({ params, body, who }) => {
        mustAdminister(who)
        const node = await nodes.setDraining(params.id, body.drain)
        const session = sessions.get(node.id)
        if (session) session.accepting = !body.drain && node.accepting
        session?.poll?.wake()
        return (await list(who)).find(({ id }) => id === node.id)
      },
      {
        body: t.Object({ drain: t.Boolean() }),
        detail: { tags, summary: 'Give a node no new work, or give it some again' },
      },
    )
    .delete(
      '/api/nodes/:id',
      async ({ params, who }) => {
        mustAdminister(who)
        await nodes.remove(params.id)
        sessions.close(params.id)
        return { detail: `Node ${params.id} removed; its credential is void` }
      },
      { detail: { tags, summary: 'Remove a node' } },
    )
    .post(
      '/api/nodes/tokens',
      async ({ body, who, set }) => {
        mustAdminister(who)
        set.status = 201
        const { name = 'join token', expires_in_s, uses = 1 } = body
        const forEver = expires_in_s === null
        const expiresInMs = forEver ? null : (expires_in_s ?? defaultExpiryMs / 1000) * 1000
        return tokens.create({ name, createdBy: who.id, expiresInMs, uses })
      },
      {
        body: newToken,
        detail: {
          tags,
          summary: 'Make a token by which machines join',
          description: 'The token is shown in this reply and never again.',
        },
      },
    )
    .get(
      '/api/nodes/tokens',
      ({ who }) => {
        mustAdminister(who)
        return tokens.list()
      },
      { detail: { tags, summary: 'List join tokens' } },
    )
    .delete(
      '/api/nodes/tokens/:id',
      async ({ params, who }) => {
        mustAdminister(who)
        await tokens.revoke(wholeNumber(params.id, 'path.id'))
        return { detail: 'Revoked: nobody joins with it any more' }
      },
      { detail: { tags, summary: 'Revoke a join token' } },
    )
}
