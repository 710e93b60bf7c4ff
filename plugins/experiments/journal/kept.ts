/** Which bytes an experiment keeps: noted, so that nobody else's deletion takes them away. */
import { type Queries, sql } from '../../../src/sdk.ts'
import type { StoredEvent } from './events.ts'

export const keepDigests = async (
  q: Queries,
  experimentId: string,
  digests: readonly string[],
): Promise<void> => {
  const distinct = [...new Set(digests)]
  for (let at = 0; at < distinct.length; at += 500) {
    const rows = distinct.slice(at, at + 500).map((sha256) => sql`(${experimentId}, ${sha256})`)
    await q.run(sql`
      insert into experiments_kept (experiment_id, sha256) values ${sql.join(rows, sql`, `)}
      on conflict (experiment_id, sha256) do nothing`)
  }
}

export const digestsIn = (events: readonly StoredEvent[]): string[] =>
  events.flatMap(({ event }) => {
    if (event.type === 'completed') return event.final.report ? [event.final.report.sha256] : []
    if (event.type !== 'finished') return []
    const { predictions } = event.verdict
    return [...event.run.artifacts, ...(predictions ? [predictions] : [])].map((one) => one.sha256)
  })
