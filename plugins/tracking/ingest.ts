/** Turns the bodies of the ingest routes into columns for the point store, checking as it goes. */
import { isObject, type JsonObject, objectOf } from './body.ts'
import { numberOf } from './numbers.ts'
import { invalid } from './parameters.ts'
import type { SeriesInput } from './points/store.ts'
import { parseTime } from './time.ts'

export const maxPointsPerBatch = 100_000
export const maxNamesPerBatch = 10_000
export const maxNameLength = 250
export const maxBatchIdLength = 128

/** The one point of a single log call. */
export interface SinglePoint {
  readonly name: string
  readonly value: number
  readonly step: number
  /** Microseconds since the epoch; undefined: the time of arrival. */
  readonly time: number | undefined
}

export interface Batch {
  readonly series: readonly SeriesInput[]
  readonly points: number
  readonly batchId: string | undefined
}

/** @throws HearthError `validation` */
export const readPoint = (body: unknown): SinglePoint => {
  const { name, value, step, timestamp } = objectOf(body, 'body')
  return {
    name: nameOf(name, 'body.name'),
    value: valueOf(value, 'body.value'),
    step: stepOf(step, 'body.step'),
    time: timeOf(timestamp, 'body.timestamp'),
  }
}

/** Either form: the map of one step, or whole columns. @throws HearthError `validation` */
export const readBatch = (body: unknown): Batch => {
  const batch = objectOf(body, 'body')
  const batchId = batchIdOf(batch['batch_id'])
  if (batch['series'] === undefined) return { ...readMap(batch), batchId }
  if (batch['metrics'] === undefined) return { ...readColumns(batch['series']), batchId }
  throw invalid('body', 'has both metrics and series: give one of them')
}

const readMap = (batch: JsonObject): Omit<Batch, 'batchId'> => {
  const metrics = objectOf(batch['metrics'], 'body.metrics')
  const names = Object.keys(metrics)
  if (names.length > maxNamesPerBatch) throw tooManyNames('body.metrics')
  const steps = [stepOf(batch['step'], 'body.step')]
  const time = timeOf(batch['timestamp'], 'body.timestamp')
  const times = time === undefined ? undefined : [time]
  const series = names.map((name) => {
    const path = `body.metrics.${name.slice(0, maxNameLength)}`
    const value = metrics[name]
    const values = [typeof value === 'number' ? value : valueOf(value, path)]
    const one = { name: isName(name) ? name : nameOf(name, path), values, steps }
    return times ? { ...one, times } : one
  })
  return { series, points: series.length }
}

const readColumns = (list: unknown): Omit<Batch, 'batchId'> => {
  if (!Array.isArray(list)) throw invalid('body.series', 'must be an array')
  if (list.length > maxNamesPerBatch) throw tooManyNames('body.series')
  let points = 0
  const series = list.map((item: unknown, index) => {
    const one = readSeries(item, index)
    points += one.values.length
    return one
  })
  if (points > maxPointsPerBatch) {
    throw invalid('body.series', `has ${points} points; a batch takes ${maxPointsPerBatch}`)
  }
  return { series, points }
}

/** The words for a place in the body are made only when something is wrong there. */
const readSeries = (item: unknown, index: number): SeriesInput => {
  if (!isObject(item)) throw invalid(`body.series.${index}`, 'must be an object')
  const { name, values, steps, times } = item
  if (!Array.isArray(values)) throw invalid(placeOf(index, 'values'), 'must be an array')
  checkNumbers(values, index)
  const series: { name: string; values: number[]; steps?: number[]; times?: number[] } = {
    name: isName(name) ? name : nameOf(name, placeOf(index, 'name')),
    values,
  }
  if (given(steps)) series.steps = integersOf(steps, index, 'steps', values.length)
  if (given(times)) series.times = integersOf(times, index, 'times', values.length)
  return series
}

const placeOf = (index: number, field: string): string => `body.series.${index}.${field}`

const given = (value: unknown): boolean => value !== undefined && value !== null

/** Replaces the words for NaN and the infinities in place; nearly always there is nothing to do. */
const checkNumbers = (column: unknown[], index: number): void => {
  for (let i = 0; i < column.length; i++) {
    if (typeof column[i] === 'number') continue
    column[i] = valueOf(column[i], `${placeOf(index, 'values')}.${i}`)
  }
}

const integersOf = (column: unknown, index: number, field: string, length: number): number[] => {
  if (!Array.isArray(column)) throw invalid(placeOf(index, field), 'must be an array')
  if (column.length !== length) {
    throw invalid(placeOf(index, field), `has ${column.length} items, and values has ${length}`)
  }
  for (let i = 0; i < length; i++) {
    if (!Number.isSafeInteger(column[i])) {
      throw invalid(`${placeOf(index, field)}.${i}`, safeInteger)
    }
  }
  return column as number[]
}

const safeInteger = 'must be an integer within ±2^53'

const isName = (name: unknown): name is string =>
  typeof name === 'string' &&
  name !== '' &&
  name.length <= maxNameLength &&
  !control.test(name) &&
  name.isWellFormed()

const control = /[\u0000-\u001f\u007f]/

/** @throws HearthError `validation` */
export const nameOf = (name: unknown, path: string): string => {
  if (typeof name !== 'string') throw invalid(path, 'must be a string')
  if (name === '') throw invalid(path, 'must not be empty')
  if (name.length > maxNameLength) {
    throw invalid(path, `must not be longer than ${maxNameLength} characters`)
  }
  if (control.test(name)) throw invalid(path, 'must not hold control characters')
  if (!name.isWellFormed()) throw invalid(path, 'must be well-formed Unicode')
  return name
}

const valueOf = (value: unknown, path: string): number => {
  const number = numberOf(value)
  if (number !== undefined) return number
  throw invalid(path, 'must be a number, or "NaN", "Infinity" or "-Infinity"')
}

const stepOf = (step: unknown, path: string): number => {
  if (step === undefined || step === null) return 0
  if (Number.isSafeInteger(step)) return step as number
  throw invalid(path, safeInteger)
}

const timeOf = (timestamp: unknown, path: string): number | undefined => {
  if (timestamp === undefined || timestamp === null) return undefined
  if (typeof timestamp === 'string') return parseTime(timestamp)
  throw invalid(path, 'must be a string such as 2023-01-01T00:00:00')
}

/** @throws HearthError `validation` */
export const batchIdOf = (id: unknown): string | undefined => {
  if (id === undefined || id === null) return undefined
  if (typeof id !== 'string') throw invalid('body.batch_id', 'must be a string')
  if (id === '' || id.length > maxBatchIdLength || control.test(id) || !id.isWellFormed()) {
    throw invalid('body.batch_id', `must be text of 1 to ${maxBatchIdLength} characters`)
  }
  return id
}

const tooManyNames = (path: string): Error =>
  invalid(path, `has too many names; a batch takes ${maxNamesPerBatch}`)
