/** What a training's program says of the model it left: one file beside the others, checked. */
import type { Static } from '@sinclair/typebox'
import { Type as t } from '../../../src/sdk.ts'

/** A network over observations, a LoRA of a language model, or a prompt with examples. */
export const modelKinds = ['policy', 'adapter', 'prompt'] as const
export type ModelKind = (typeof modelKinds)[number]

/** Everything below it in the work folder of a job belongs to the model. */
export const modelFolder = 'model/'

/** Where its parts are, as artifacts of the job and of the model. */
export const modelPaths = {
  manifest: 'model/manifest.json',
  policy: 'model/policy.json',
  onnx: 'model/policy.onnx',
} as const

const count = t.Integer({ minimum: 0 })
const task = t.Object({ episodes: count, successes: count })

/** Of `learning/evaluate.ts`, with whatever else is measured there. */
const result = t.Object({
  episodes: count,
  successes: count,
  meanReward: t.Number(),
  meanLength: t.Number(),
  tasks: t.Record(t.String(), task),
})

export const manifestSchema = t.Object({
  format: t.Literal(2),
  kind: t.Union(modelKinds.map((kind) => t.Literal(kind))),
  scenario: t.Object({
    id: t.String({ minLength: 1, maxLength: 100 }),
    version: count,
    /** sha256 of what it does: see `scenarioHash`. */
    hash: t.String({ maxLength: 100 }),
  }),
  settings: t.Record(t.String(), t.Unknown()),
  /** sha256 of the training's last state. */
  trainingDigest: t.String({ maxLength: 100 }),
  episodes: count,
  /** On seeds that chose nothing. */
  test: result,
  /** The same by agents of the framework that was asked for. */
  harness: t.Optional(t.Object({ test: result })),
  /** Of a language model: what it builds upon. */
  base: t.Optional(t.String({ maxLength: 1000 })),
})
export type Manifest = Static<typeof manifestSchema>
