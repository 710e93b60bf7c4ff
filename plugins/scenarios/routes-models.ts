/** The routes of trained models: list, look, act, take away, delete. */
import { HearthError, router, Type as t } from '../../src/sdk.ts'
import { modelView, type Registry } from './registry.ts'

const tags = ['models']
const maxRows = 1024
const maxWidth = 4096

const row = t.Array(t.Number(), { minItems: 1, maxItems: maxWidth })
const mask = t.Array(t.Integer({ minimum: 0, maximum: 1 }), { minItems: 1, maxItems: maxWidth })

const actBody = t.Union([
  t.Object({ observation: row, mask: t.Optional(mask) }),
  t.Object({ observations: t.Array(row, { minItems: 1, maxItems: maxRows }) }),
])

export const modelRoutes = (registry: Registry) =>
  router()
    .get('/api/models', async ({ who }) => (await registry.list(who)).map(modelView), {
      detail: { tags, summary: 'List trained models' },
    })
    .get(
      '/api/models/:id',
      async ({ params, who }) => modelView(await registry.get(who, params.id)),
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
      async ({ params, query, who }) => {
        const model = await registry.get(who, params.id)
        const format = query['format'] ?? 'onnx'
        if (format !== 'onnx' && format !== 'json') {
          throw new HearthError('validation', 'format must be onnx or json')
        }
        const isOnnx = format === 'onnx'
        const bytes = await registry.file(isOnnx ? model.onnx_sha256 : model.policy_sha256)
        return new Response(bytes, {
          headers: {
            'content-type': isOnnx ? 'application/octet-stream' : 'application/json',
            'content-disposition': `attachment; filename="${model.id}.${format}"`,
          },
        })
      },
      {
        detail: {
          tags,
          summary: 'Take a trained model away, as a file',
          parameters: [
            {
              name: 'format',
              in: 'query',
              required: false,
              description: '`onnx` (the default) or `json`',
              schema: { type: 'string' },
            },
          ],
        },
      },
    )
