/** The routes of experiments as the document has them: make, look, start, stop, results, delete. */
import { router, type Who } from '../../src/sdk.ts'
import { changesOf, createBody, newExperiment, updateBody } from './bodies.ts'
import type { Desk } from './desk.ts'
import { addNodes, type GivenNode } from './engine/steering.ts'
import { documentedPage, documentedStatus, pageOf, statusOf } from './parameters.ts'
import { seedsFrom } from './seeds.ts'
import { experimentView, filesView, resultsView } from './views.ts'
import { timeOrNull } from './dialect.ts'

const tags = ['experiments']

const seedsOf = async (
  desk: Desk,
  who: Who,
  from: { readonly experiment: string; readonly nodes?: readonly string[] } | undefined,
): Promise<GivenNode[]> => {
  if (!from) return []
  const { id } = await desk.experiments.get(who, from.experiment)
  return seedsFrom(await desk.store.load(id), from.nodes)
}

export const experimentRoutes = (desk: Desk) =>
  router()
    .post(
      '/api/experiments',
      async ({ body, who, set }) => {
        const seeds = await seedsOf(desk, who, body.seedFrom)
        const { id } = await desk.experiments.create(who, newExperiment(body))
        if (seeds.length > 0) await desk.engine.steer(id, addNodes(seeds))
        const made = await desk.experiments.get(who, id)
        set.status = 201
        return { ...experimentView(made), files: filesView(await desk.experiments.inputs(made.id)) }
      },
      {
        body: createBody,
        detail: { tags, summary: 'Create an experiment', 'x-rate-limit': 'create' } as object,
      },
    )
    .get(
      '/api/experiments',
      async ({ query, who }) => {
        const { page, limit } = pageOf(query)
        const status = statusOf(query['status'])
        const { experiments, total } = await desk.experiments.list(who, { page, limit, status })
        const totalPages = Math.ceil(total / limit)
        return { experiments: experiments.map(experimentView), total, page, limit, totalPages }
      },
      {
        detail: {
          tags,
          summary: 'List experiments',
          parameters: [...documentedPage, documentedStatus],
        },
      },
    )
    .get(
      '/api/experiments/:id',
      async ({ params, who }) => {
        const experiment = await desk.experiments.get(who, params.id)
        const { isPaused } = await desk.store.load(experiment.id)
        const files = filesView(await desk.experiments.inputs(experiment.id))
        return { ...experimentView(experiment), isPaused, files }
      },
      { detail: { tags, summary: 'Get an experiment' } },
    )
    .get(
      '/api/experiments/:id/status',
      async ({ params, who }) => {
        const { id, status, progress, currentStep, totalSteps, updatedAt, error } = experimentView(
          await desk.experiments.get(who, params.id),
        )
        return { id, status, progress, currentStep, totalSteps, updatedAt, error }
      },
      { detail: { tags, summary: 'Get how far an experiment is' } },
    )
    .patch(
      '/api/experiments/:id',
      async ({ params, body, who }) => {
        const changed = await desk.experiments.update(who, params.id, changesOf(body))
        const files = filesView(await desk.experiments.inputs(changed.id))
        return { ...experimentView(changed), files }
      },
      { body: updateBody, detail: { tags, summary: 'Change an experiment' } },
    )
    .post(
      '/api/experiments/:id/start',
      async ({ params, who }) => {
        const { id } = await desk.experiments.get(who, params.id)
        await desk.engine.begin(id)
        const { status, startedAt } = await desk.experiments.get(who, id)
        return { id, status, startedAt: timeOrNull(startedAt) }
      },
      { detail: { tags, summary: 'Start an experiment, or go on with it' } },
    )
    .post(
      '/api/experiments/:id/stop',
      async ({ params, who }) => {
        const { id } = await desk.experiments.get(who, params.id)
        await desk.engine.end(id)
        const { status, endedAt } = await desk.experiments.get(who, id)
        return { id, status, stoppedAt: timeOrNull(endedAt) }
      },
      { detail: { tags, summary: 'Stop an experiment, in the middle of a step' } },
    )
    .get(
      '/api/experiments/:id/results',
      async ({ params, query, who }) => {
        const experiment = await desk.experiments.get(who, params.id)
        const journal = await desk.store.load(experiment.id)
        const results = resultsView(experiment, journal, desk.clock.now())
        if (query['embed'] !== 'tree') return results
        return { ...results, treeVisualization: await desk.treeOf(experiment) }
      },
      {
        detail: {
          tags,
          summary: 'Get the results of an experiment, those so far while it runs',
          parameters: [
            {
              name: 'embed',
              in: 'query',
              required: false,
              description: '`tree`: the page itself in place of its address',
              schema: { type: 'string' },
            },
          ],
        },
      },
    )
    .delete(
      '/api/experiments/:id',
      async ({ params, who }) => {
        const { id } = await desk.experiments.get(who, params.id)
        await desk.engine.abandon(id, async () => {
          await desk.removeJobs(id)
          await desk.experiments.remove(id)
        })
        return { id, deleted: true }
      },
      { detail: { tags, summary: 'Delete an experiment, and end what runs of it' } },
    )
