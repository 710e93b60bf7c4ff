/** Tells what kind of task a column makes: numbers to estimate, or classes to tell apart. */
import type { ColumnSummary, TableSummary } from '../data/preview.ts'
import { maxClasses } from './classes.ts'
import type { TaskKind } from './task.ts'

const isNumeric = ({ kind }: ColumnSummary): boolean => kind === 'number' || kind === 'integer'

/** Whole numbers with no more different values than this are classes, if each is met often. */
const maxIntegerClasses = 20

/** `hint`: goal and evaluation. null: nothing that can be predicted. */
export const kindOfColumn = (
  column: ColumnSummary,
  table: TableSummary,
  hint: string,
): Exclude<TaskKind, 'ranking'> | null => {
  const { unique } = column
  const rows = table.rows - column.missing
  if (unique < 2 || column.kind === 'empty') return null
  const saysRegression = /\bregress/i.test(hint)
  const saysClasses = /\bclassif|\bcategor/i.test(hint)
  if (isNumeric(column)) {
    if (saysRegression && !saysClasses) return 'regression'
    if (unique === 2) return 'binary'
    const areFew = unique <= maxIntegerClasses && rows / unique >= 5
    const areClasses = column.kind === 'integer' && (areFew || (saysClasses && unique <= 100))
    return areClasses && !(saysRegression && saysClasses) ? 'multiclass' : 'regression'
  }
  if (unique === 2) return 'binary'
  if (column.kind === 'date') return null
  return unique <= maxClasses && rows / unique >= 2 ? 'multiclass' : null
}

/** Whether a column can be read as this kind of task. */
export const canBe = (kind: TaskKind, column: ColumnSummary): boolean => {
  if (kind === 'regression' || kind === 'ranking') return isNumeric(column) && column.unique > 1
  return kind === 'binary' ? column.unique === 2 : column.unique > 2 && column.unique <= maxClasses
}
