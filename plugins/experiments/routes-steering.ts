/** The routes by which people take part in an experiment, while it runs or afterwards. */
import { router, t } from '../../src/sdk.ts'
import type { Desk } from './desk.ts'
import * as steering from './engine/steering.ts'
import type { Decide } from './journal/store.ts'
import { nodeView } from './node-view.ts'
import { experimentView } from './views.ts'

const tags = ['experiments: steering']
const code = t.String({ minLength: 1, maxLength: 1_000_000 })
const nodeId = t.String({ pattern: '^node_\\d{1,6}$' })

export const steeringRoutes = (desk: Desk) => {
  const steer = async (
    who: Parameters<Desk['experiments']['get']>[0],
    id: string,
    decide: Decide,
  ) => {
    const experiment = await desk.experiments.get(who, id)
    await desk.engine.steer(experiment.id, decide)
    const { isPaused, instructions } = await desk.store.load(id)
    return { ...experimentView(await desk.experiments.get(who, id)), isPaused, instructions }
  }
  const steerNode = async (
    who: Parameters<Desk['experiments']['get']>[0],
    id: string,
    node: string,
    decide: Decide,
  ) => {
    await steer(who, id, decide)
    const journal = await desk.store.load(id)
    const found = journal.nodes.find((one) => one.id === node)
    return found ? nodeView(found, journal) : null
  }
  return router()
    .post(
      '/api/experiments/:id/pause',
      ({ params, who }) => steer(who, params.id, steering.pause),
      {
        detail: { tags, summary: 'Pause: what runs ends, nothing new begins' },
      },
    )
    .post(
      '/api/experiments/:id/resume',
      ({ params, who }) => steer(who, params.id, steering.resume),
      { detail: { tags, summary: 'Go on after a pause' } },
    )
    .post(
      '/api/experiments/:id/extend',
      ({ params, body, who }) => steer(who, params.id, steering.extend(body.steps)),
      {
        body: t.Object({ steps: t.Integer({ minimum: 1, maximum: 1000 }) }),
        detail: { tags, summary: 'Add steps; start it again when it has ended' },
      },
    )
    .post(
      '/api/experiments/:id/instructions',
      ({ params, body, who }) => steer(who, params.id, steering.instruct(body.text)),
      {
        body: t.Object({ text: t.String({ minLength: 1, maxLength: 10_000, pattern: '\\S' }) }),
        detail: { tags, summary: 'Tell whoever writes the programs something' },
      },
    )
    .post(
      '/api/experiments/:id/nodes',
      async ({ params, body, who, set }) => {
        const { parent, plan = '' } = body
        const parents = parent === undefined ? [] : [parent]
        const add = steering.addNodes([
          { parents, stage: 'human', plan, code: body.code, author: who.username },
        ])
        // Told by its id: others may have been added after it.
        let id = ''
        await steer(who, params.id, (journal) => {
          id = `node_${journal.nodes.length + 1}`
          return add(journal)
        })
        const journal = await desk.store.load(params.id)
        const made = journal.nodes.find((node) => node.id === id)
        set.status = 201
        return made ? nodeView(made, journal) : null
      },
      {
        body: t.Object({
          code,
          plan: t.Optional(t.String({ maxLength: 20_000 })),
          parent: t.Optional(nodeId),
        }),
        detail: { tags, summary: 'Add a program of your own' },
      },
    )
    .post(
      '/api/experiments/:id/nodes/:node/pin',
      ({ params, who }) => steerNode(who, params.id, params.node, steering.pin(params.node, true)),
      { detail: { tags, summary: 'Have a node improved first' } },
    )
    .post(
      '/api/experiments/:id/nodes/:node/unpin',
      ({ params, who }) => steerNode(who, params.id, params.node, steering.pin(params.node, false)),
      { detail: { tags, summary: 'Treat a node like the others again' } },
    )
    .post(
      '/api/experiments/:id/nodes/:node/prune',
      ({ params, who }) =>
        steerNode(who, params.id, params.node, steering.prune(params.node, true)),
      { detail: { tags, summary: 'Leave a node and all that came of it out of the search' } },
    )
    .post(
      '/api/experiments/:id/nodes/:node/restore',
      ({ params, who }) =>
        steerNode(who, params.id, params.node, steering.prune(params.node, false)),
      { detail: { tags, summary: 'Bring a node back that was left out' } },
    )
    .post(
      '/api/experiments/:id/nodes/:node/branch',
      ({ params, body, who }) =>
        steerNode(who, params.id, params.node, steering.branch(params.node, body?.steps ?? 1)),
      {
        body: t.Optional(
          t.Object({ steps: t.Optional(t.Integer({ minimum: 1, maximum: 1000, default: 1 })) }),
        ),
        detail: {
          tags,
          summary: 'Go on from a node: it alone is pinned, and there are steps for it',
        },
      },
    )
    .post(
      '/api/experiments/:id/nodes/:node/approve',
      ({ params, body, who }) =>
        steerNode(who, params.id, params.node, steering.approve(params.node, body?.code)),
      {
        body: t.Optional(t.Object({ code: t.Optional(code) })),
        detail: { tags, summary: 'Let a program run that waits for it, perhaps changed' },
      },
    )
}
