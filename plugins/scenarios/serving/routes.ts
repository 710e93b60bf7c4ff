/** `/act`: a trained model is asked what to do, by the numbers that it sees. */
import { HearthError, router, Type as t } from '../../../src/sdk.ts'
import { choose } from '../models/choice.ts'
import type { Registry } from '../registry.ts'
import type { Served, ServedModels } from './served.ts'

const maxRows = 1024
const maxWidth = 4096

const row = t.Array(t.Number(), { minItems: 1, maxItems: maxWidth })
const mask = t.Array(t.Integer({ minimum: 0, maximum: 1 }), { minItems: 1, maxItems: maxWidth })

const actBody = t.Union([
  t.Object({ observation: row, mask: t.Optional(mask) }),
  t.Object({ observations: t.Array(row, { minItems: 1, maxItems: maxRows }) }),
])

export const actRoutes = (registry: Registry, served: ServedModels) =>
  router().post(
    '/api/models/:id/act',
    async ({ params, body, who }) => {
      const model = await served.of(await registry.acting(who, params.id))
      if ('observations' in body) {
        for (const one of body.observations) check(one, 'observations', model.width)
        return { actions: await Promise.all(body.observations.map((one) => act(model, one))) }
      }
      check(body.observation, 'observation', model.width)
      if (body.mask?.every((open) => open === 0)) {
        throw new HearthError('validation', 'mask leaves no action')
      }
      return act(model, body.observation, body.mask)
    },
    { body: actBody, detail: { tags: ['models'], summary: 'Ask a trained model what to do' } },
  )

const act = async (model: Served, seen: readonly number[], open?: readonly number[]) => {
  const logits = await model.logits(seen)
  if (open) check(open, 'mask', logits.length)
  return choose(logits, open ?? null, model.actions)
}

const check = (given: readonly number[], name: string, wanted: number): void => {
  if (given.length === wanted) return
  const message = `must have ${wanted} numbers, not ${given.length}`
  throw new HearthError('validation', `${name} ${message}`, {
    issues: [{ path: `body.${name}`, message }],
  })
}
