/** The SQL expressions behind the attributes of a run, for filters and for ordering. */
import { type SQL, sql } from '../../../src/sdk.ts'
import type { Attribute } from './syntax.ts'

/** When a search takes place: `crashed` and `duration` depend on it, so that it must not move. */
export interface SearchTime {
  /** Microseconds since the epoch. */
  readonly now: number
  /** A running run that was last heard before this has crashed. */
  readonly silentSince: number
}

const statusOf = (time: SearchTime): SQL =>
  sql`(case when tracking_run.status = 'running'
    and tracking_run.last_heard_at < ${time.silentSince}
    then 'crashed' else tracking_run.status end)`

/** Seconds until the end; until now while it runs, until it was last heard if it has crashed. */
const duration = (time: SearchTime): SQL =>
  sql`(cast(coalesce(tracking_run.ended_at,
    case when tracking_run.status <> 'running' or tracking_run.last_heard_at < ${time.silentSince}
    then tracking_run.last_heard_at else ${time.now} end)
    - tracking_run.started_at as double precision) / 1e6)`

/** The value of an attribute; numbers are floats, so that any number can be compared with them. */
export const attributeColumn = (name: Attribute, time: SearchTime): SQL => {
  switch (name) {
    case 'id':
      return sql`cast(tracking_run.id as double precision)`
    case 'project_id':
      return sql`cast(tracking_run.project_id as double precision)`
    case 'status':
      return statusOf(time)
    case 'duration':
      return duration(time)
    default:
      return sql.raw(`tracking_run.${name}`)
  }
}
