/** What a user hands in to have a job run. */
import { type Static, Type as t } from '@sinclair/typebox'
import { Plan } from './plan.ts'

const closed = { additionalProperties: false } as const
const dayMs = 86_400_000

/** What is to happen when an attempt fails, or its node falls silent. */
export const Policy = t.Object(
  {
    /** `hold` (default): the job is its node's until a person decides. `retry`: another one's. */
    on_disconnect: t.Optional(t.Union([t.Literal('hold'), t.Literal('retry')])),
    /** All attempts, the first one included. Default: 1 with `hold`, 3 with `retry`. */
    max_attempts: t.Optional(t.Integer({ minimum: 1, maximum: 1000 })),
    /** Before the second attempt; doubled for each later one, up to an hour. */
    backoff_ms: t.Optional(t.Integer({ minimum: 0, maximum: dayMs })),
    /** The node ends the attempt by itself after so long without the server. */
    stop_after_ms: t.Optional(t.Integer({ minimum: 1000, maximum: 30 * dayMs })),
    /** The server gives the job away after so long without the node. */
    reassign_after_ms: t.Optional(t.Integer({ minimum: 1000, maximum: 60 * dayMs })),
  },
  closed,
)

const jobId = t.String({ pattern: '^j[a-z0-9]{20}$' })
const line = '^[^\\x00-\\x1f\\x7f]*$'

export const Submission = t.Object(
  {
    /** `command` (default) takes a `plan`; every other kind a `spec`. */
    kind: t.Optional(t.String({ minLength: 1, maxLength: 100 })),
    name: t.Optional(t.String({ minLength: 1, maxLength: 200, pattern: line })),
    plan: t.Optional(Plan),
    spec: t.Optional(t.Unknown()),
    project_id: t.Optional(t.Integer({ minimum: 1 })),
    priority: t.Optional(t.Integer({ minimum: -1000, maximum: 1000 })),
    /** ISO 8601. */
    not_before: t.Optional(t.String({ maxLength: 40 })),
    /** Jobs that must have succeeded. */
    after: t.Optional(t.Array(jobId, { maxItems: 100, uniqueItems: true })),
    policy: t.Optional(Policy),
    timeout_ms: t.Optional(t.Integer({ minimum: 1, maximum: 366 * dayMs })),
    idempotency_key: t.Optional(t.String({ minLength: 1, maxLength: 200, pattern: line })),
    /** Environment variables that nobody sees but the program. */
    secrets: t.Optional(
      t.Record(
        t.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }),
        t.String({ maxLength: 65_536, pattern: '^[^\\x00]*$' }),
        { maxProperties: 200 },
      ),
    ),
  },
  closed,
)
export type Submission = Static<typeof Submission>

/** A policy with nothing left open. */
export interface JobPolicy {
  readonly on_disconnect: 'hold' | 'retry'
  readonly max_attempts: number
  readonly backoff_ms: number
  readonly stop_after_ms: number | null
  readonly reassign_after_ms: number | null
}
