/** Finds the columns beside the target: the one that names a row, and the one that groups rows. */
import { HearthError } from '../../../src/sdk.ts'
import type { ColumnSummary, TableSummary } from '../data/preview.ts'
import { nearest } from './metric-words.ts'
import type { TaskQuestion } from './read-task.ts'
import { wordsOf } from './target-words.ts'
import type { TaskKind } from './task.ts'

/** The column that a setting names, whatever its case. @throws HearthError `validation` */
export const columnNamed = (
  setting: string,
  given: string,
  tables: readonly TableSummary[],
): { table: TableSummary; column: ColumnSummary } => {
  const all = tables.flatMap((table) => table.columns.map((column) => ({ table, column })))
  const found =
    all.find(({ column }) => column.name === given) ??
    all.find(({ column }) => column.name.toLowerCase() === given.trim().toLowerCase())
  if (found) return found
  const names = [...new Set(all.map(({ column }) => column.name))]
  const near = nearest(given, names).map((name) => `"${name}"`)
  const shown = names.slice(0, 20).map((name) => `"${name}"`)
  const hint =
    near.length > 0
      ? `Did you mean ${near.join(' or ')}?`
      : names.length > 0
        ? `The columns are ${shown.join(', ')}${names.length > 20 ? ', ...' : ''}.`
        : 'No table was uploaded.'
  const message = `There is no column "${given}". ${hint}`
  throw new HearthError('validation', message, { issues: [{ path: `/${setting}`, message }] })
}

/** Uniqueness is known up to here. */
const countedRows = 10_000

const namesRows = (column: ColumnSummary, table: TableSummary): boolean =>
  table.rows <= countedRows && column.missing === 0 && column.unique === table.rows

export const idOf = (
  { tables, asked }: TaskQuestion,
  table: TableSummary,
  target: string,
  group: string | null,
): string | null => {
  if (asked.idColumn !== undefined) {
    const { name } = columnNamed('idColumn', asked.idColumn, [table]).column
    if (name === target) {
      const message = `"${name}" is the target, so it cannot name rows`
      throw new HearthError('validation', message, { issues: [{ path: '/idColumn', message }] })
    }
    return name
  }
  const sample = tables.find(({ path }) => /sample_?submission[^/]*$/i.test(path))
  const first = sample?.columns[0]?.name
  const found = table.columns.find(
    (column) =>
      column.name !== target &&
      column.name !== group &&
      namesRows(column, table) &&
      (column.name === first || isIdName(column.name)),
  )
  return found?.name ?? null
}

const isIdName = (name: string): boolean => {
  const words = wordsOf(name)
  const whole = words.join(' ')
  return words.at(-1) === 'id' || whole === 'uuid' || whole === 'guid' || whole === 'index'
}

const queryNames = new Set(['query', 'query id', 'qid', 'group', 'group id', 'session id'])

export const groupOf = (
  { asked }: TaskQuestion,
  table: TableSummary,
  target: string,
  kind: TaskKind,
): string | null => {
  if (asked.groupColumn !== undefined) {
    const { name } = columnNamed('groupColumn', asked.groupColumn, [table]).column
    if (name === target) {
      const message = `"${name}" is the target, so it cannot group rows`
      throw new HearthError('validation', message, { issues: [{ path: '/groupColumn', message }] })
    }
    return name
  }
  if (kind !== 'ranking') return null
  const found = table.columns.find(({ name }) => queryNames.has(wordsOf(name).join(' ')))
  return found?.name ?? null
}
