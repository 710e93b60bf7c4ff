/** The routes of trained models: list, look, act, take away, delete. */
import { HearthError, router, Type as t } from '../../src/sdk.ts'
import type { Catalogue } from './catalogue.ts'
import { exported, formats, usualFormat } from './models/exports/formats.ts'
import type { Registry } from './registry.ts'

const tags = ['models']
const maxRows = 1024
const maxWidth = 4096

const row = t.Array(t.Number(), { minItems: 1, maxItems: maxWidth })
const mask = t.Array(t.Integer({ minimum: 0, maximum: 1 }), { minItems: 1, maxItems: maxWidth })

const actBody = t.Union([
  t.Object({ observation: row, mask: t.Optional(mask) }),
  t.Object({ observations: t.Array(row, { minItems: 1, maxItems: maxRows }) }),
])

export const modelRoutes = (catalogue: Catalogue, registry: Registry) =>
  router()
    .get('/api/models', async ({ who }) => registry.views(await registry.list(who)), {
      detail: { tags, summary: 'List trained models' },
    })
    .get(
      '/api/models/:id',
      async ({ params, who }) => (await registry.views([await registry.get(who, params.id)]))[0],
      { detail: { tags, summary: 'Get a trained model' } },
    )
    .delete(
      '/api/models/:id',
      async ({ params, who }) => {
        await registry.remove(who, params.id)
        return { status: 'deleted' }
      },
      { detail: { tags, summary: 'Delete a trained model and its files' } },
    )
    .post(
      '/api/models/:id/act',
      async ({ params, body, who }) => {
        const policy = await registry.policy(await registry.get(who, params.id))
        const { observations: width, actions } = policy.file
        const check = (given: readonly number[], name: string, wanted: number) => {
          if (given.length === wanted) return
          const message = `must have ${wanted} numbers, not ${given.length}`
          throw new HearthError('validation', `${name} ${message}`, {
            issues: [{ path: `body.${name}`, message }],
          })
        }
        if ('observations' in body) {
          for (const one of body.observations) check(one, 'observations', width)
          return { actions: body.observations.map((one) => policy.act(one, null)) }
        }
        check(body.observation, 'observation', width)
        if (body.mask) check(body.mask, 'mask', actions.length)
        if (body.mask?.every((open) => open === 0)) {
          throw new HearthError('validation', 'mask leaves no action')
        }
        return policy.act(body.observation, body.mask ?? null)
      },
      { body: actBody, detail: { tags, summary: 'Ask a trained model what to do' } },
    )
    .get(
      '/api/models/:id/export',
      async ({ params, query, request, who }) => {
        const model = await registry.get(who, params.id)
        const { name, mediaType, body } = await exported(query.format ?? usualFormat[model.kind], {
          model,
          scenario: catalogue.find(model.scenario),
          origin: new URL(request.url).origin,
          file: (path) => registry.file(model, path),
          paths: (await registry.filesOf(model)).map(({ path }) => path),
        })
        return new Response(body, {
          headers: {
            'content-type': mediaType,
            'content-disposition': `attachment; filename="${name}"`,
            'x-content-type-options': 'nosniff',
          },
        })
      },
      {
        query: t.Object({
          format: t.Optional(
            t.String({
              maxLength: 100,
              description: Object.entries(formats)
                .map(([name, { title }]) => `\`${name}\`: ${title}`)
                .join('; '),
            }),
          ),
        }),
        detail: { tags, summary: 'Take a trained model away, as a file' },
      },
    )
