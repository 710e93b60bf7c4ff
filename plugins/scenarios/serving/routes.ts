/** `/act`: a trained model is asked what to do, by the numbers that it sees. */
import { HearthError, router, Type as t } from '../../../src/sdk.ts'
import { knownOnly, onlyKnown } from '../known-keys.ts'
import { choose } from '../models/choice.ts'
import type { Registry } from '../models/registry.ts'
import type { Served, ServedModels } from './served.ts'

const maxRows = 1024
const maxWidth = 4096

const row = t.Array(t.Number(), { minItems: 1, maxItems: maxWidth })
const mask = t.Array(t.Integer({ minimum: 0, maximum: 1 }), { minItems: 1, maxItems: maxWidth })

/** `observation` or `observations`; no union, so that what is wrong is said of the field. */
const actBody = knownOnly({
  observation: t.Optional(row),
  mask: t.Optional(mask),
  observations: t.Optional(t.Array(row, { minItems: 1, maxItems: maxRows })),
  masks: t.Optional(t.Array(mask, { minItems: 1, maxItems: maxRows })),
})

export const actRoutes = (registry: Registry, served: ServedModels) =>
  router().post(
    '/api/models/:id/act',
    async ({ params, body, who }) => {
      onlyKnown(body, actBody)
      const model = await served.of(await registry.acting(who, params.id))
      const { observation, observations, mask: open, masks } = body
      if ((observation === undefined) === (observations === undefined)) {
        throw invalid('observation', 'or observations must be given, one of them')
      }
      if (observations) {
        if (open) throw invalid('mask', 'goes with one observation, masks with observations')
        if (masks) checkMasks(masks, observations.length)
        for (const [n, one] of observations.entries()) {
          check(one, 'observations', model.width)
          checkRange(one, `observations.${n}`)
        }
        const rows = observations.map((one, n) => act(model, one, masks?.[n]))
        return { actions: await Promise.all(rows) }
      }
      if (masks) throw invalid('masks', 'go with observations, mask with one observation')
      const seen = observation ?? []
      check(seen, 'observation', model.width)
      checkRange(seen, 'observation')
      if (open && isShut(open)) throw invalid('mask', 'leaves no action')
      return act(model, seen, open)
    },
    { body: actBody, detail: { tags: ['models'], summary: 'Ask a trained model what to do' } },
  )

const act = async (model: Served, seen: readonly number[], open?: readonly number[]) => {
  const logits = await model.logits(seen)
  if (open) check(open, 'mask', logits.length)
  return choose(logits, open ?? null, model.actions)
}

const isShut = (mask: readonly number[]): boolean => mask.every((isOpen) => isOpen === 0)

const checkMasks = (masks: readonly (readonly number[])[], rows: number): void => {
  if (masks.length !== rows) throw invalid('masks', `must be ${rows}, one for each observation`)
  const shut = masks.findIndex(isShut)
  if (shut >= 0) throw invalid(`masks.${shut}`, 'leaves no action')
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
