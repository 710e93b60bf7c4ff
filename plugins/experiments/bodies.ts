/** What clients send: the document's fields, with our settings beside them. */
import { t } from '../../src/sdk.ts'
import { checkSteps, type NewExperiment, settingNames } from './experiments.ts'

/** The document's; extensions may go beyond it. */
export const maxDocumentSteps = 50
const defaultSteps = 10

/** Databases keep no NUL. */
const text = (maxLength: number) => t.String({ maxLength, pattern: '^[^\\u0000]*$' })
const line = (maxLength: number) =>
  t.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$' })

/** Fields that nobody knows are passed over: the original's frontend sends some. */
export const createBody = t.Object(
  {
    name: line(200),
    goal: line(20_000),
    eval: t.Optional(t.Union([text(20_000), t.Null()])),
    steps: t.Optional(t.Integer({ minimum: 1, maximum: maxDocumentSteps, default: defaultSteps })),
    files: t.Optional(t.Array(t.String({ maxLength: 100 }), { maxItems: 1000 })),
    seedFrom: t.Optional(
      t.Object({
        experiment: t.String({ maxLength: 100 }),
        nodes: t.Optional(t.Array(t.String({ maxLength: 100 }), { minItems: 1, maxItems: 100 })),
      }),
    ),
  },
  {
    additionalProperties: true,
    examples: [
      {
        name: 'House Price Prediction',
        goal: 'Predict house prices using the provided dataset',
        eval: 'Use RMSE metric for evaluation',
        steps: 10,
        files: ['file_0123456789ab'],
      },
    ],
  },
)

export const updateBody = t.Partial(t.Omit(createBody, ['seedFrom']), {
  additionalProperties: true,
})

interface Body {
  readonly name?: string
  readonly goal?: string
  readonly eval?: string | null
  readonly steps?: number
  readonly files?: readonly string[]
}

export const newExperiment = (body: Body & { name: string; goal: string }): NewExperiment => ({
  name: body.name.trim(),
  goal: body.goal,
  evaluation: textOf(body.eval) ?? null,
  steps: checkSteps(body.steps ?? defaultSteps, maxDocumentSteps),
  files: body.files ?? [],
  settings: settingsIn(body),
})

export const changesOf = (body: Body): Partial<NewExperiment> => {
  const evaluation = textOf(body.eval)
  return {
    ...(body.name !== undefined && { name: body.name.trim() }),
    ...(body.goal !== undefined && { goal: body.goal }),
    ...(evaluation !== undefined && { evaluation }),
    ...(body.steps !== undefined && { steps: checkSteps(body.steps, maxDocumentSteps) }),
    ...(body.files !== undefined && { files: body.files }),
    settings: settingsIn(body),
  }
}

/** An empty text is none. */
const textOf = (text: string | null | undefined): string | null | undefined =>
  text === undefined ? undefined : text?.trim() ? text : null

/** At the top of the body, or under `settings`. */
const settingsIn = (body: Body): Record<string, unknown> => {
  const nested = (body as { settings?: unknown }).settings
  const all = { ...(isObject(nested) ? nested : {}), ...body } as Record<string, unknown>
  return Object.fromEntries(
    settingNames.flatMap((name) => (name in all ? [[name, all[name]]] : [])),
  )
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
