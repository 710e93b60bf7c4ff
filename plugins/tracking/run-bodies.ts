/** What the routes of runs accept as bodies, and what it means. */
import { t } from '../../src/sdk.ts'
import { objectOf } from './body.ts'
import { nameOf } from './ingest.ts'
import { invalid } from './parameters.ts'
import { longText } from './routes-projects.ts'
import type { Json } from './run-rows.ts'
import type { NewRun, RunChange } from './runs.ts'
import { parseTime } from './time.ts'
import { anyObjectOrNull, statusSchema } from './views.ts'

const runName = t.String({
  minLength: 1,
  maxLength: 250,
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
  error: 'must be 1 to 250 characters without control characters',
  examples: ['Training Run 1'],
})

const tags = t.Union(
  [
    t.Array(t.String({ minLength: 1, maxLength: 250, pattern: '^[^\\u0000]*$' }), {
      maxItems: 1000,
      examples: [['demo', 'test']],
    }),
    t.Null(),
  ],
  { error: 'must be an array of at most 1000 strings of 1 to 250 characters' },
)

const timeText = t.Union([t.String({ maxLength: 60 }), t.Null()], {
  error: 'must be a string such as 2023-01-01T00:00:00',
  examples: ['2023-01-01T01:00:00'],
})

const runKey = t.Union(
  [t.String({ minLength: 1, maxLength: 128, pattern: '^[^\\u0000]+$' }), t.Null()],
  {
    error: 'must be a string of 1 to 128 characters',
    description: 'Chosen by the client: the same key again answers the same run',
  },
)

const fields = {
  name: runName,
  config: t.Optional(anyObjectOrNull({ examples: [{ learning_rate: 0.001, batch_size: 32 }] })),
  tags: t.Optional(tags),
  notes: t.Optional(longText),
  environment: t.Optional(
    anyObjectOrNull({ description: 'Where it runs: git commit, packages ...' }),
  ),
}

export const newRunBody = t.Object(
  { ...fields, run_key: t.Optional(runKey), started_at: t.Optional(timeText) },
  {
    examples: [
      {
        name: 'Training Run 1',
        config: { learning_rate: 0.001, batch_size: 32 },
        tags: ['demo', 'test'],
      },
    ],
  },
)

export const runChangeBody = t.Object(
  {
    ...fields,
    name: t.Optional(runName),
    status: t.Optional(statusSchema),
    ended_at: t.Optional(timeText),
  },
  { examples: [{ status: 'completed', ended_at: '2023-01-01T01:00:00' }] },
)

type Common = Partial<Omit<typeof newRunBody.static, 'run_key' | 'started_at'>>

/** Absent fields stay absent, so that a change leaves them alone. */
const commonOf = (body: Common) => ({
  ...(body.config !== undefined && { config: jsonOf(body.config, 'body.config') ?? {} }),
  ...(body.tags !== undefined && { tags: body.tags ?? [] }),
  ...(body.notes !== undefined && { notes: body.notes }),
  ...(body.environment !== undefined && {
    environment: jsonOf(body.environment, 'body.environment'),
  }),
})

const jsonOf = (value: unknown, path: string): Json | null =>
  value === null ? null : objectOf(value, path)

/** @throws HearthError `validation` */
export const newRunOf = (body: typeof newRunBody.static): NewRun => ({
  ...commonOf(body),
  name: body.name,
  ...(body.run_key && { runKey: body.run_key }),
  ...(body.started_at && { startedAt: parseTime(body.started_at) }),
})

/** @throws HearthError `validation` */
export const runChangeOf = (body: typeof runChangeBody.static): RunChange => ({
  ...commonOf(body),
  ...(body.name !== undefined && { name: body.name }),
  ...(body.status !== undefined && { status: body.status }),
  ...(body.ended_at !== undefined && {
    endedAt: body.ended_at === null ? null : parseTime(body.ended_at),
  }),
})

/** A step in a hand-read body; undefined when absent. @throws HearthError `validation` */
export const stepIn = (body: Json, key: string): number | undefined => {
  const step = body[key]
  if (step === undefined || step === null) return undefined
  if (Number.isSafeInteger(step)) return step as number
  throw invalid(`body.${key}`, 'must be an integer within ±2^53')
}

/** The name in a hand-read body; undefined when absent. @throws HearthError `validation` */
export const nameIn = (body: Json): string | undefined =>
  body['name'] === undefined || body['name'] === null
    ? undefined
    : nameOf(body['name'], 'body.name')
