/** Finds the table and the column to predict: as given, as the text says, or as a guess. */
import type { ColumnSummary, TableSummary } from '../data/preview.ts'
import type { TaskQuestion } from './read-task.ts'
import { targetIn, usualTarget } from './target-words.ts'
import { columnNamed } from './task-columns.ts'
import { kindOfColumn } from './task-kind.ts'
import type { Task } from './task.ts'

export interface Target {
  readonly table: TableSummary
  readonly column: ColumnSummary
  readonly source: Task['source']
  /** A sentence: what was found where. */
  readonly because: string
}

const fileName = (path: string): string => path.slice(path.lastIndexOf('/') + 1).toLowerCase()

const isTest = (path: string): boolean => /^(test|eval|holdout|valid)/.test(fileName(path))
const isSample = (path: string): boolean => /submission/.test(fileName(path))

/** Tables that may hold the target, the likeliest first. */
const candidates = (tables: readonly TableSummary[]): TableSummary[] => {
  const isTrain = ({ path }: TableSummary) => Number(/train/.test(fileName(path)))
  return tables
    .filter(({ path, columns }) => !isTest(path) && !isSample(path) && columns.length > 1)
    .toSorted((a, b) => isTrain(b) - isTrain(a) || b.rows - a.rows)
}

export const findTarget = (question: TaskQuestion): Target | null => {
  const { goal, evaluation, tables, asked } = question
  const likely = candidates(tables)
  if (typeof asked.target === 'string') {
    const found = columnNamed('target', asked.target, likely.length > 0 ? likely : tables)
    return { ...found, source: 'given', because: `"${found.column.name}" was given as the target.` }
  }
  for (const text of [goal, evaluation ?? '']) {
    for (const table of likely) {
      const found = targetIn(text, table.columns)
      const column = table.columns.find(({ name }) => name === found?.column)
      if (!column || kindOfColumn(column, table, text) === null) continue
      const because = `The text asks for "${column.name}", a column of ${table.path}.`
      return { table, column, source: 'read', because }
    }
  }
  for (const table of likely) {
    const guess = guessIn(table, tables)
    if (guess) return { table, ...guess, source: 'guessed' }
  }
  return null
}

const guessIn = (
  table: TableSummary,
  tables: readonly TableSummary[],
): { column: ColumnSummary; because: string } | null => {
  const columnOf = (name: string | null | undefined) => {
    const column = table.columns.find((one) => one.name === name)
    return column && kindOfColumn(column, table, '') !== null ? column : null
  }
  const test = tables.find(({ path }) => isTest(path))
  const absent = test
    ? table.columns.filter(({ name }) => !test.columns.some((one) => one.name === name))
    : []
  const only = absent.length === 1 ? columnOf(absent[0]!.name) : null
  if (only) {
    const because = `"${only.name}" is the one column of ${table.path} that ${test?.path} lacks.`
    return { column: only, because }
  }
  const sample = tables.find(({ path }) => isSample(path))
  const answered = sample?.columns.length === 2 ? columnOf(sample.columns[1]!.name) : null
  if (answered) {
    return { column: answered, because: `${sample?.path} has the column "${answered.name}".` }
  }
  const usual = columnOf(usualTarget(table.columns))
  if (usual) {
    return { column: usual, because: `"${usual.name}" is what a target is often called.` }
  }
  const last = columnOf(table.columns.at(-1)?.name)
  if (!last || last.unique === table.rows) return null
  return { column: last, because: `"${last.name}" is the last column of ${table.path}.` }
}
