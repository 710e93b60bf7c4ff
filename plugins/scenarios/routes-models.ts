/** The routes of trained models: list, look, take away, delete. */
import { router, Type as t } from '../../src/sdk.ts'
import type { Catalogue } from './catalogue.ts'
import { exported, formats, usualFormat } from './models/exports/formats.ts'
import type { Registry } from './models/registry.ts'
import { newestQuery } from './newest.ts'

const tags = ['models']
export const modelRoutes = (catalogue: Catalogue, registry: Registry) =>
  router()
    .get('/api/models', async ({ query, who }) => registry.views(await registry.list(who, query)), {
      query: newestQuery,
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
