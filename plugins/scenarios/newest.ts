/** The document's lists are whole, the oldest first; who wants less takes it from the end. */
import { type Queries, sql, t as elysia, Type as t } from '../../src/sdk.ts'

export const newestQuery = t.Object({
  limit: t.Optional(
    elysia.Integer({ minimum: 1, maximum: 1000, description: 'Only so many, the newest' }),
  ),
  skip: elysia.Integer({
    minimum: 0,
    maximum: 1_000_000,
    default: 0,
    description: 'So many of the newest are left out',
  }),
})

export interface Newest {
  readonly limit?: number
  readonly skip?: number
}

const all = 2 ** 31 - 1

type Sql = ReturnType<typeof sql>

/** Rows of `from`, which are numbered by `n`: the oldest of them first. */
export const newestRows = async <R extends object>(
  q: Queries,
  from: Sql,
  { limit = all, skip = 0 }: Newest,
): Promise<R[]> => {
  const rows = await q.rows<R>(sql`
    select * from ${from} order by n desc limit ${limit} offset ${skip}`)
  return rows.toReversed()
}
