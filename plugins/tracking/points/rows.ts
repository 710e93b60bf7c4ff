/** Writes many rows in few statements of few distinct texts, which the database keeps prepared. */
import { type Queries, type SQL, sql } from '../../../src/sdk.ts'
import { breathe } from './breathe.ts'

const GROUP_SIZES = [64, 16, 4, 1]

/** The text around the parameters of an insert: flat, since nested fragments cost many times. */
const textAround = (insert: string, width: number, rows: number, end: string) => {
  const strings = [`${insert} values (`]
  for (let i = 1; i < rows * width; i++) strings.push(i % width === 0 ? '), (' : ', ')
  strings.push(`) ${end}`)
  return Object.assign(strings, { raw: strings })
}

/** Inserts all rows: `insert` is the text before `values`, `end` the one behind them. */
export const writeRows = async (
  q: Queries,
  rows: readonly (readonly unknown[])[],
  insert: string,
  end = '',
): Promise<void> => {
  const width = rows[0]?.length ?? 0
  let at = 0
  for (const size of GROUP_SIZES) {
    if (rows.length - at < size) continue
    const text = textAround(insert, width, size, end)
    while (rows.length - at >= size) {
      const statement: SQL = sql(text, ...rows.slice(at, at + size).flat())
      await q.run(statement)
      at += size
      if (at < rows.length) await breathe()
    }
  }
}
