/** Hands many rows to one statement as one parameter: its text stays the same however many come. */
import type { Queries } from '../storage/database.ts'
import { type SQL, sql } from '../storage/sql.ts'

export type ColumnType = 'text' | 'bigint'

/** `(...) as <name>`: a table with these columns, made of the objects. */
export const jsonTable = (
  { dialect }: Pick<Queries, 'dialect'>,
  name: string,
  columns: Readonly<Record<string, ColumnType>>,
  rows: readonly object[],
): SQL => {
  const text = JSON.stringify(rows)
  const entries = Object.entries(columns)
  if (dialect === 'postgres') {
    const list = entries.map(([column, type]) => `${column} ${type}`).join(', ')
    return sql`json_to_recordset(${text}::json) as ${sql.raw(`${name}(${list})`)}`
  }
  const list = entries.map(([column]) => `value ->> '${column}' as ${column}`).join(', ')
  return sql`(select ${sql.raw(list)} from json_each(${text})) as ${sql.raw(name)}`
}

/** `column in (...)`, also for none at all. */
export const among = (
  { dialect }: Pick<Queries, 'dialect'>,
  column: SQL,
  texts: readonly string[],
): SQL => {
  if (texts.length === 1) return sql`${column} = ${texts[0]}`
  const json = JSON.stringify(texts)
  return dialect === 'postgres'
    ? sql`${column} = any(array(select json_array_elements_text(${json}::json)))`
    : sql`${column} in (select value from json_each(${json}))`
}
