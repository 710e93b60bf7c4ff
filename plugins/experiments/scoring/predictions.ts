/** Reads a submission and lays it beside the truth, or says what is wrong with it. */
import { isMissing, numberIn } from '../data/cell.ts'
import { CsvError, type Row } from '../data/csv.ts'
import { readTable } from '../data/read-table.ts'
import { type Aligned, take } from './aligned.ts'
import { classFinder } from './classes.ts'
import { metricOf } from './metrics.ts'
import type { Prepared } from './referee.ts'
import type { Task } from './task.ts'
import { rowFinder, rowsOfPart, type Truth } from './truth.ts'

export interface Predictions {
  /** All rows to predict, in the order of `test.csv`. */
  readonly all: Aligned
  readonly search: Aligned
  readonly selection: Aligned
  readonly warnings: readonly string[]
}

/** A sentence is a problem: nothing of the submission is scored. */
export const readPredictions = async (
  bytes: ReadableStream<Uint8Array>,
  task: Task,
  prepared: Prepared,
  truth: Truth,
): Promise<Predictions | string> => {
  try {
    const table = await readTable(bytes)
    const id = table.columns.indexOf(prepared.idColumn)
    if (id < 0) return `The submission has no column "${prepared.idColumn}"`
    const reader = readerFor(task, prepared, table.columns)
    if (typeof reader === 'string') return reader
    const rowOf = await rowFinder(truth)
    const predicted = new Float64Array(truth.ids.length * reader.width)
    const seen = new Uint8Array(truth.ids.length)
    let found = 0
    for await (const batch of table.batches) {
      for (const row of batch) {
        const at = rowOf(row[id]!)
        if (at === undefined) return `The submission has the unknown id ${quote(row[id]!)}`
        if (seen[at] === 1) return `The submission has the id ${quote(row[id]!)} twice`
        seen[at] = 1
        found++
        const problem = reader.read(row, predicted, at * reader.width)
        if (problem !== null) return `${problem} (${prepared.idColumn} ${quote(row[id]!)})`
      }
    }
    const missing = truth.ids.length - found
    if (missing > 0) {
      const first = quote(truth.ids[seen.indexOf(0)]!)
      return `The submission misses ${missing} of ${truth.ids.length} ids, the first is ${first}`
    }
    if (table.raggedRows() > 0) return 'The submission has rows that are not as wide as its header'
    return sides(truth, predicted, prepared.classes.length, reader.warnings())
  } catch (error) {
    if (error instanceof CsvError) return `The submission is no table: ${error.message}`
    throw error
  }
}

const quote = (text: string): string => JSON.stringify(text.slice(0, 60))

const sides = (
  truth: Truth,
  predicted: Float64Array,
  classes: number,
  warnings: readonly string[],
): Predictions => {
  const all = { truth: truth.target, predicted, classes, groups: truth.groups }
  const search = take(all, rowsOfPart(truth, 0))
  return { all, search, selection: take(all, rowsOfPart(truth, 1)), warnings }
}

interface Reader {
  /** Numbers for each row. */
  readonly width: number
  /** Answers what is wrong with the row, or null. */
  read(row: Row, into: Float64Array, at: number): string | null
  warnings(): string[]
}

const readerFor = (task: Task, prepared: Prepared, columns: readonly string[]): Reader | string => {
  const { classes, submissionColumns } = prepared
  const target = columns.indexOf(task.target)
  const wanted = submissionColumns.slice(1).map((name) => `"${name}"`)
  if (classes.length === 0) {
    return target < 0 ? `The submission has no column ${wanted.join()}` : numberReader(task, target)
  }
  // One column for each class is understood wherever classes are predicted.
  const named = submissionColumns.length > 2 ? submissionColumns.slice(1) : classes
  const find = classFinder(named)
  const places = named.map(() => -1)
  columns.forEach((column, index) => {
    // The target's own column holds labels, unless a class has its name.
    const isTarget = index === target && submissionColumns.length === 2
    if (column === prepared.idColumn || isTarget) return
    const place = find(column)
    if (place >= 0) places[place] = index
  })
  if (!places.includes(-1)) return probabilitiesReader(task, classes, places)
  if (target >= 0) return classReader(task, classes, target)
  const missing = submissionColumns
    .slice(1)
    .filter((_, i) => submissionColumns.length === 2 || places[i]! < 0)
  return `The submission has no column ${missing
    .slice(0, 5)
    .map((n) => `"${n}"`)
    .join(', ')}`
}

const numberReader = (task: Task, column: number): Reader => ({
  width: 1,
  read(row, into, at) {
    const value = numberIn(row[column]!)
    if (!Number.isFinite(value)) return notFinite(task.target, row[column]!)
    into[at] = value
    return null
  },
  warnings: () => [],
})

const notFinite = (column: string, field: string): string => {
  if (isMissing(field)) return `"${column}" is empty or NaN in the submission`
  return `"${column}" is ${quote(field)} in the submission, which is no finite number`
}

/** A label, or for two classes the probability of the second. */
const classReader = (task: Task, classes: readonly string[], column: number): Reader => {
  const metric = metricOf(task.metric)
  const wantsLabel = metric.needs === 'label'
  const find = classFinder(classes)
  const isBinary = classes.length === 2
  const width = wantsLabel ? 1 : classes.length
  let cut = 0
  let labels = 0
  let rows = 0
  const put = (into: Float64Array, at: number, positive: number) => {
    into[at] = 1 - positive
    into[at + 1] = positive
    return null
  }
  return {
    width,
    read(row, into, at) {
      rows++
      const field = row[column]!
      const number = numberIn(field)
      const isNumber = Number.isFinite(number)
      const place = isMissing(field) ? -1 : find(field)
      if (!wantsLabel && isBinary && isNumber) {
        // Never a label: where the classes are called 1 and 2, a 1 could be either.
        if (metric.isOfOrder !== true && (number < 0 || number > 1)) {
          return `"${task.target}" is ${number} in the submission, which is no probability`
        }
        if (number === 0 || number === 1) labels++
        return put(into, at, number)
      }
      if (place >= 0) {
        labels++
        if (wantsLabel) into[at] = place
        else into[at + place] = 1
        return null
      }
      if (isMissing(field) || (!isNumber && !Number.isNaN(number))) {
        return notFinite(task.target, field)
      }
      if (wantsLabel && isBinary && isNumber && number >= 0 && number <= 1) {
        cut++
        into[at] = number >= 0.5 ? 1 : 0
        return null
      }
      const known = classes.slice(0, 5).join(', ')
      return `"${task.target}" is ${quote(field)} in the submission, which is none of ${known}`
    },
    warnings: () => [
      ...(cut > 0 ? [`Probabilities of "${classes[1]}" were cut at 0.5 to get labels.`] : []),
      ...(!wantsLabel && labels === rows
        ? [`Labels were given; ${task.metric} is computed from probabilities.`]
        : []),
    ],
  }
}

const probabilitiesReader = (
  task: Task,
  classes: readonly string[],
  places: readonly number[],
): Reader => {
  const metric = metricOf(task.metric)
  const wantsLabel = metric.needs === 'label'
  let normalised = 0
  const row = new Float64Array(places.length)
  return {
    width: wantsLabel ? 1 : classes.length,
    read(fields, into, at) {
      let sum = 0
      for (let c = 0; c < places.length; c++) {
        const field = fields[places[c]!]!
        const value = numberIn(field)
        if (!Number.isFinite(value)) return notFinite(classes[c]!, field)
        if ((value < 0 || value > 1) && metric.isOfOrder !== true) {
          return `"${classes[c]}" is ${value} in the submission, which is no probability`
        }
        row[c] = value
        sum += value
      }
      if (wantsLabel) {
        into[at] = row.indexOf(Math.max(...row))
        return null
      }
      const isOff = metric.isOfOrder !== true && Math.abs(sum - 1) > 1e-6
      if (isOff && sum <= 0) return 'The probabilities of a row are all 0'
      if (isOff) normalised++
      for (let c = 0; c < row.length; c++) into[at + c] = isOff ? row[c]! / sum : row[c]!
      return null
    },
    warnings: () =>
      normalised > 0
        ? [`Probabilities of ${normalised} rows did not sum to 1 and were made to.`]
        : [],
  }
}
