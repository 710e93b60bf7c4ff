/** `/act`: a trained model is asked what to do, by the numbers that it sees. */
import { HearthError, router, Type as t } from '../../../src/sdk.ts'
import { choose } from '../models/choice.ts'
import type { Registry } from '../models/registry.ts'
import type { Served, ServedModels } from './served.ts'

const maxRows = 1024
const maxWidth = 4096

const row = t.Array(t.Number(), { minItems: 1, maxItems: maxWidth })
const mask = t.Array(t.Integer({ minimum: 0, maximum: 1 }), { minItems: 1, maxItems: maxWidth })

/** `observation` or `observations`; no union, so that what is wrong is said of the field. */
const actBody = t.Object({
  observation: t.Optional(row),
  mask: t.Optional(mask),
  observations: t.Optional(t.Array(row, { minItems: 1, maxItems: maxRows })),
})

export const actRoutes = (registry: Registry, served: ServedModels) =>
  router().post(
    '/api/models/:id/act',
    async ({ params, body, who }) => {
      const model = await served.of(await registry.acting(who, params.id))
      const { observation, observations, mask: open } = body
      if ((observation === undefined) === (observations === undefined)) {
        throw invalid('observation', 'or observations must be given, one of them')
      }
      if (observations) {
        if (open) throw invalid('mask', 'goes with one observation, not with observations')
        for (const [n, one] of observations.entries()) {
          check(one, 'observations', model.width)
          checkRange(one, `observations.${n}`)
        }
        return { actions: await Promise.all(observations.map((one) => act(model, one))) }
      }
      const seen = observation ?? []
      check(seen, 'observation', model.width)
      checkRange(seen, 'observation')
      if (open?.every((isOpen) => isOpen === 0)) throw invalid('mask', 'leaves no action')
      return act(model, seen, open)
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
  throw invalid(name, `must have ${wanted} numbers, not ${given.length}`)
}

/** Networks compute in float32: beyond it a number is infinite, and so is what comes of it. */
const checkRange = (given: readonly number[], name: string): void => {
  const at = given.findIndex((value) => !Number.isFinite(Math.fround(value)))
  if (at < 0) return
  throw invalid(`${name}.${at}`, `must be within float32, not ${given[at]}`)
}

const invalid = (name: string, message: string): HearthError =>
  new HearthError('validation', `${name} ${message}`, {
    issues: [{ path: `body.${name}`, message }],
  })
