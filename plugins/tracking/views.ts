/** Projects and runs as replies show them, and the schemas that say so. */
import { t, Type } from '../../src/sdk.ts'
import { microsToNaiveIso } from './time.ts'
import type { Project } from './projects.ts'
import type { Run, RunSummary } from './run-rows.ts'
import { runStatuses, type RunState } from './state.ts'

/** An integer that is never read from a string, unlike the router's own. */
export const integer = Type.Integer

/** One of some words. */
export const oneOf = <const Words extends readonly string[]>(words: Words) =>
  Type.Unsafe<Words[number]>(
    t.Union(
      words.map((word) => t.Literal(word)),
      { error: `must be one of ${words.join(', ')}` },
    ),
  )

const time = t.String({ examples: ['2023-01-01T00:00:00'], description: 'Naive ISO text, in UTC' })
const timeOrNull = t.Union([time, t.Null()])
const textOrNull = t.Union([t.String(), t.Null()])

/**
 * An object of any content. The schema only documents it, and `objectOf` checks it where it comes
 * in: the router would copy the object, losing some names, and take a number for an empty one.
 */
export const anyObject = (options: object = {}) =>
  t.Any({ oneOf: [{ type: 'object' }], ...options })

export const anyObjectOrNull = (options: object = {}) =>
  anyObject({ oneOf: [{ type: 'object' }, { type: 'null' }], ...options })

export const projectSchema = t.Object(
  {
    id: integer(),
    name: t.String(),
    description: textOrNull,
    owner_id: integer(),
    is_public: t.Boolean(),
    created_at: time,
    updated_at: time,
  },
  {
    examples: [
      {
        id: 1,
        name: 'My Project',
        description: 'A machine learning project',
        owner_id: 1,
        is_public: false,
        created_at: '2023-01-01T00:00:00',
        updated_at: '2023-01-01T00:00:00',
      },
    ],
  },
)

export const projectView = (project: Project): typeof projectSchema.static => ({
  id: project.id,
  name: project.name,
  description: project.description,
  owner_id: project.ownerId,
  is_public: project.isPublic,
  created_at: microsToNaiveIso(project.createdAt),
  updated_at: microsToNaiveIso(project.updatedAt),
})

export const statusSchema = oneOf(runStatuses)

const summaryFields = {
  id: integer(),
  name: t.String(),
  project_id: integer(),
  status: statusSchema,
  tags: t.Array(t.String()),
  notes: textOrNull,
  run_key: textOrNull,
  forked_from: t.Union([
    t.Object({ run_id: integer(), step: t.Union([integer(), t.Null()]) }),
    t.Null(),
  ]),
  started_at: time,
  ended_at: timeOrNull,
  last_heard_at: time,
  created_at: time,
  updated_at: time,
}

export const runSummarySchema = t.Object(summaryFields)

export const runSchema = t.Object(
  {
    ...summaryFields,
    config: anyObjectOrNull(),
    environment: anyObjectOrNull(),
  },
  {
    examples: [
      {
        id: 1,
        name: 'Training Run 1',
        project_id: 1,
        status: 'running',
        config: { learning_rate: 0.001, batch_size: 32 },
        tags: ['demo', 'test'],
        notes: null,
        environment: null,
        run_key: null,
        forked_from: null,
        started_at: '2023-01-01T00:00:00',
        ended_at: null,
        last_heard_at: '2023-01-01T00:00:00',
        created_at: '2023-01-01T00:00:00',
        updated_at: '2023-01-01T00:00:00',
      },
    ],
  },
)

export const runSummaryView = (run: RunSummary, state: RunState) => ({
  id: run.id,
  name: run.name,
  project_id: run.projectId,
  status: state.statusOf(run.id, run.status, run.lastHeardAt),
  tags: [...run.tags],
  notes: run.notes,
  run_key: run.runKey,
  forked_from: run.forkedFrom && { run_id: run.forkedFrom.runId, step: run.forkedFrom.step },
  started_at: microsToNaiveIso(run.startedAt),
  ended_at: run.endedAt === null ? null : microsToNaiveIso(run.endedAt),
  last_heard_at: microsToNaiveIso(state.lastHeard(run.id, run.lastHeardAt)),
  created_at: microsToNaiveIso(run.createdAt),
  updated_at: microsToNaiveIso(run.updatedAt),
})

export const runView = (run: Run, state: RunState) => ({
  ...runSummaryView(run, state),
  config: run.config,
  environment: run.environment,
})

export const messageSchema = t.Object({ message: t.String() })

/** A value that JSON may have no number for. */
const metricValue = t.Union([t.Number(), t.String()], {
  description: 'A number, or "NaN", "Infinity" or "-Infinity"',
})

export const metricSchema = t.Object(
  {
    id: integer(),
    run_id: integer(),
    name: t.String(),
    value: metricValue,
    step: integer(),
    timestamp: time,
  },
  {
    examples: [
      { id: 1, run_id: 1, name: 'loss', value: 0.5, step: 1, timestamp: '2023-01-01T00:00:00' },
    ],
  },
)

export const historySchema = t.Object(
  {
    name: t.String(),
    values: t.Array(metricValue),
    steps: t.Array(integer()),
    timestamps: t.Array(time),
    ids: t.Array(integer()),
  },
  {
    examples: [
      {
        name: 'loss',
        values: [0.5, 0.4],
        steps: [1, 2],
        timestamps: ['2023-01-01T00:00:00', '2023-01-01T00:01:00'],
        ids: [1, 2],
      },
    ],
  },
)

export const metricSummarySchema = t.Object(
  {
    name: t.String(),
    current_value: metricValue,
    min_value: t.Union([metricValue, t.Null()]),
    max_value: t.Union([metricValue, t.Null()]),
    mean_value: t.Union([metricValue, t.Null()]),
    total_points: integer(),
    non_finite: integer(),
    last_step: integer(),
    last_timestamp: time,
  },
  {
    examples: [
      {
        name: 'loss',
        current_value: 0.3,
        min_value: 0.1,
        max_value: 0.8,
        mean_value: 0.4,
        total_points: 100,
        non_finite: 0,
        last_step: 100,
        last_timestamp: '2023-01-01T00:00:00',
      },
    ],
  },
)

export const chartSchema = t.Object({
  name: t.String(),
  exact: t.Boolean({ description: 'Whether these are the points themselves' }),
  width: integer({ description: 'Steps a bucket covers; 0 when exact' }),
  steps: t.Array(integer()),
  min: t.Array(metricValue),
  max: t.Array(metricValue),
  mean: t.Array(metricValue),
  last: t.Array(metricValue),
  count: t.Array(integer()),
  non_finite: t.Array(integer({ description: 'Bits: 1 NaN, 2 Infinity, 4 -Infinity' })),
})
