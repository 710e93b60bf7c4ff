/** Scenarios from outside as they are stored. */
import { HearthError, type Queries, sql } from '../../../src/sdk.ts'
import type { Scenario } from '../environment.ts'
import {
  type Definition,
  type Described,
  outsideHash,
  type OutsideSource,
  specOf,
} from './definition.ts'

export type OutsideStatus = 'describing' | 'ready' | 'failed' | 'deleted'

export interface OutsideRow {
  readonly n: number
  readonly id: string
  readonly version: number
  readonly ownerId: number
  readonly status: OutsideStatus
  readonly definition: Definition
  readonly described: Described | null
  readonly jobId: string | null
  readonly error: string | null
}

interface Row {
  readonly n: number
  readonly id: string
  readonly version: number
  readonly owner_id: number
  readonly status: OutsideStatus
  readonly definition: string
  readonly described: string | null
  readonly job_id: string | null
  readonly error: string | null
}

/** In the order they came. */
export const outsideWhere = async (
  q: Queries,
  condition: ReturnType<typeof sql>,
): Promise<OutsideRow[]> => {
  const rows = await q.rows<Row>(sql`
    select * from scenarios_outside where ${condition} order by n`)
  return rows.map((row) => ({
    n: row.n,
    id: row.id,
    version: row.version,
    ownerId: row.owner_id,
    status: row.status,
    definition: JSON.parse(row.definition),
    described: row.described === null ? null : JSON.parse(row.described),
    jobId: row.job_id,
    error: row.error,
  }))
}

/** Told of here, made in jobs only; null until it is described. */
export const scenarioFrom = ({ definition, described, version }: OutsideRow): Scenario | null => {
  if (!described) return null
  const spec = specOf(definition, version, described)
  const source: OutsideSource = { kind: definition.kind, spec, definition, described }
  return {
    spec,
    conversation: null,
    source,
    hash: outsideHash(source),
    make() {
      throw new HearthError('conflict', `${spec.id} is from outside: it is played in jobs only`)
    },
  }
}
