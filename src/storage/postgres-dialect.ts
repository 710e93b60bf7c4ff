/** Drizzle's SQLite dialect in the words of PostgreSQL, so that one table object serves both. */
import { Column, getTableColumns, is, Param, SQL, sql } from 'drizzle-orm'
import { toSnakeCase } from 'drizzle-orm/casing'
import { SQLiteAsyncDialect, type SQLiteInsertConfig } from 'drizzle-orm/sqlite-core'

type Chunks = SQL['queryChunks']

/** Column names without their table: PostgreSQL's grammar for the target of `on conflict`. */
const bareNames = (chunk: unknown): unknown => {
  if (is(chunk, Column)) {
    return sql.identifier(chunk.keyAsName ? toSnakeCase(chunk.name) : chunk.name)
  }
  if (Array.isArray(chunk)) return chunk.map(bareNames)
  return is(chunk, SQL) ? new SQL(chunk.queryChunks.map(bareNames) as Chunks) : chunk
}

/** The target is the second chunk, after ` on conflict `. */
const withBareTarget = (conflict: SQL): SQL => {
  const [start, target, ...rest] = conflict.queryChunks
  return new SQL([start, bareNames(target), ...rest] as Chunks)
}

const isMissing = (value: unknown): boolean =>
  value === undefined || (is(value, Param) && value.value === undefined)

/** A row in which a column left out is `default`: an identity column refuses SQLite's `null`. */
const withDefaults = (row: Record<string, unknown>, names: readonly string[]) => {
  const full = { ...row }
  for (const name of names) if (isMissing(full[name])) full[name] = sql`default`
  return full
}

export class PostgresDialect extends SQLiteAsyncDialect {
  override escapeParam(index: number): string {
    return `$${index + 1}`
  }

  override buildInsertQuery(config: SQLiteInsertConfig): SQL {
    const onConflict = config.onConflict?.map(withBareTarget)
    const columns = Object.entries(getTableColumns(config.table)).filter(
      ([, column]) => column.default === undefined && !column.defaultFn && !column.onUpdateFn,
    )
    const names = columns.map(([name]) => name)
    const values = Array.isArray(config.values)
      ? config.values.map((row: Record<string, unknown>) => withDefaults(row, names))
      : config.values
    return super.buildInsertQuery({
      ...config,
      values: values as SQLiteInsertConfig['values'],
      ...(onConflict && { onConflict }),
    })
  }
}
