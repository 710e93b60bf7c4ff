/** Finds out what the columns of a table of metrics mean, and reads its rows as points. */
import { parseTime } from '../time.ts'
import { type ImportedPoint, refused, toStep, toTime } from './point.ts'

/** Indexes of the columns. Long tables name the metric in a column; wide ones have one for each. */
export interface Layout {
  readonly step: number
  readonly time: number
  readonly long: { readonly name: number; readonly value: number } | null
  readonly metrics: readonly { readonly name: string; readonly column: number }[]
}

export interface Row {
  readonly cells: readonly unknown[]
  /** Counted from 0: the step of a row that has none. */
  readonly index: number
  /** Where a person finds it: `line 3`. */
  readonly place: string
}

/** What is told of rows besides their points. */
export interface Reading {
  /** Time of a row that has none; the rows after it follow in microseconds. */
  readonly startedAt: number
  /** Counts the cells of wide tables that hold something else than a number. */
  skipped: number
}

const steps = ['step', 'globalstep', 'trainingstep', 'iteration', 'iter', 'epoch']
const times = ['timestamp', 'time', 'walltime', 'datetime', 'date', 'createdat']
const names = ['name', 'metric', 'metricname', 'tag', 'key']

/** Never metrics: the ids of an export, and W&B's own bookkeeping. */
const ignored = ['', 'id', 'runid', 'runtime']

export const layoutOf = (columns: readonly string[]): Layout => {
  const plain = columns.map((column) => column.toLowerCase().replace(/[\s_]/g, ''))
  const find = (words: readonly string[]): number =>
    words.map((word) => plain.indexOf(word)).find((column) => column >= 0) ?? -1
  const step = find(steps)
  const time = find(times)
  const name = find(names)
  const value = find(['value'])
  const long = name >= 0 && value >= 0 ? { name, value } : null
  const metrics = columns
    .map((text, column) => ({ name: text.trim(), column }))
    .filter(({ column }) => column !== step && column !== time)
    .filter(({ column }) => !ignored.includes(plain[column] ?? ''))
  return { step, time, long, metrics }
}

export function* rowPoints(layout: Layout, row: Row, reading: Reading): Generator<ImportedPoint> {
  const at = {
    step: layout.step < 0 ? row.index : stepOf(row.cells[layout.step], row.place),
    time:
      layout.time < 0 ? reading.startedAt + row.index : timeOf(row.cells[layout.time], row.place),
  }
  if (layout.long) {
    const name = row.cells[layout.long.name]
    const value = valueOf(row.cells[layout.long.value])
    if (typeof name !== 'string') throw refused(row.place, 'the name of the metric is missing')
    if (value === undefined) throw refused(row.place, 'the value is not a number')
    yield { name, value, ...at }
    return
  }
  for (const { name, column } of layout.metrics) {
    const cell = row.cells[column]
    if (isEmpty(cell)) continue
    const value = valueOf(cell)
    if (value === undefined) reading.skipped++
    else yield { name, value, ...at }
  }
}

const isEmpty = (cell: unknown): boolean =>
  cell === undefined || cell === null || (typeof cell === 'string' && cell.trim() === '')

const words: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Infinity,
  infinity: Infinity,
}

/** The number in a cell, in the spellings of Python, R and JavaScript; undefined when none is. */
const valueOf = (cell: unknown): number | undefined => {
  if (typeof cell === 'number') return cell
  if (typeof cell !== 'string') return undefined
  const text = cell.trim()
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text)
  const word = /^([+-]?)(nan|inf|infinity)$/i.exec(text)
  if (!word) return undefined
  const value = words[(word[2] as string).toLowerCase()] as number
  return word[1] === '-' ? -value : value
}

const stepOf = (cell: unknown, place: string): number => {
  const value = valueOf(cell)
  if (value === undefined) throw refused(place, 'the step is missing or not a number')
  return toStep(value, place)
}

const timeOf = (cell: unknown, place: string): number => {
  const value = valueOf(cell)
  if (value !== undefined) return toTime(value * microsPerUnit(value), place)
  if (typeof cell !== 'string' || isEmpty(cell)) throw refused(place, 'the time is missing')
  try {
    return parseTime(cell.trim())
  } catch {
    throw refused(place, `${JSON.stringify(cell.slice(0, 60))} is not a time`)
  }
}

/**
 * Numbers are seconds; programs that write milli-, micro- or nanoseconds are told by the size,
 * which no other unit reaches between the years 1973 and 5138.
 */
const microsPerUnit = (value: number): number => {
  const size = Math.abs(value)
  return size < 1e11 ? 1e6 : size < 1e14 ? 1e3 : size < 1e17 ? 1 : 1e-3
}
