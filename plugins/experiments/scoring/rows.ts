/** Reads what a split needs of every row: target, id, group, and whether it is there twice. */
import { HearthError } from '../../../src/sdk.ts'
import { isMissing, numberIn } from '../data/cell.ts'
import { paced } from '../data/pace.ts'
import type { TableStream } from '../data/read-table.ts'
import { classesOf, classFinder, maxClasses } from './classes.ts'
import { Numbering } from './numbering.ts'
import { rangesOf, type SplitRows } from './split.ts'
import type { Task } from './task.ts'

/** Fewer rows with a target than this make no three parts. */
export const minRows = 10

export interface ScoredRows extends SplitRows {
  /** Number of each row that has a target, in the order of the table, from 0. */
  readonly places: Int32Array
  readonly target: Float64Array
  readonly classes: readonly string[]
  /** Empty when the task has no id. */
  readonly ids: readonly string[]
  /** Numbers of the groups; null without any. */
  readonly groups: Int32Array | null
  readonly withoutTarget: number
}

const invalid = (message: string): HearthError => new HearthError('validation', message)

/** @throws HearthError `validation` when the table does not fit the task */
export const scoredRows = async (table: TableStream, task: Task): Promise<ScoredRows> => {
  const target = columnOf(table, task.target)
  const id = task.id === null ? -1 : columnOf(table, task.id)
  const group = task.group === null ? -1 : columnOf(table, task.group)
  const places: number[] = []
  const targets = targetsOf(task)
  const ids = idsOf(task)
  const groups = new Numbering<string>()
  const digests = new Numbering<number>()
  let row = 0
  let withoutTarget = 0
  for await (const batch of table.batches) {
    for (const fields of batch) {
      const value = fields[target]!
      const place = row++
      if (isMissing(value)) {
        withoutTarget++
        continue
      }
      places.push(place)
      targets.add(value)
      if (id >= 0) ids.add(fields[id]!)
      if (group >= 0) groups.add(fields[group]!)
      else digests.add(digestOf(fields, id))
    }
  }
  if (places.length < minRows) {
    const found = `${places.length} rows of "${task.table}" have a value of "${task.target}"`
    throw invalid(`${found}; a score needs at least ${minRows}`)
  }
  if (group >= 0 && groups.count < 3) {
    throw invalid(`"${task.group}" has fewer than three groups: they cannot be in three parts`)
  }
  const { values, classes } = await targets.end()
  return {
    places: Int32Array.from(places),
    target: values,
    classes,
    ids: ids.all,
    groups: group >= 0 ? Int32Array.from(groups.numbers) : null,
    withoutTarget,
    ...(group >= 0
      ? { units: Int32Array.from(groups.numbers), unitCount: groups.count }
      : unitsOf(digests)),
    ...(await strataOf(values, task, classes)),
  }
}

export const columnOf = (table: TableStream, name: string): number => {
  const index = table.columns.indexOf(name)
  if (index < 0) throw invalid(`There is no column "${name}"`)
  return index
}

const idsOf = (task: Task) => {
  const seen = new Numbering<string>()
  const all: string[] = []
  return {
    all,
    add(id: string) {
      if (isMissing(id)) throw invalid(`The id column "${task.id}" has empty values`)
      seen.add(id.trim())
      all.push(id)
      if (seen.count < all.length) {
        throw invalid(`The id column "${task.id}" has values that occur twice`)
      }
    },
  }
}

const targetsOf = (task: Task) =>
  task.kind === 'regression' || task.kind === 'ranking' ? numbersOf(task) : labelsOf(task)

const numbersOf = (task: Task) => {
  const values: number[] = []
  return {
    add(field: string) {
      const value = numberIn(field)
      if (!Number.isFinite(value)) {
        const shown = JSON.stringify(field.slice(0, 50))
        throw invalid(`"${task.target}" is to be a number, but has the value ${shown}`)
      }
      values.push(value)
    },
    end: async () => ({ values: Float64Array.from(values), classes: [] as string[] }),
  }
}

const labelsOf = (task: Task) => {
  const labels = new Numbering<string>()
  return {
    add(field: string) {
      labels.add(field)
      // Of labels that are spelled differently some may be the same, but not this many.
      if (labels.count > maxClasses * 10) throw tooMany(`more than ${maxClasses}`)
    },
    async end() {
      const classes = classesOf(labels.values)
      const count = `"${task.target}" has ${classes.length} different values`
      if (classes.length < 2) throw invalid(`${count}: there is nothing to tell apart`)
      if (classes.length > maxClasses) throw tooMany(String(classes.length))
      if (task.kind === 'binary' && classes.length > 2) throw invalid(`${count}, not two`)
      const places = labels.values.map(classFinder(classes))
      const { numbers } = labels
      const values = new Float64Array(numbers.length)
      await paced(numbers.length, (row) => (values[row] = places[numbers[row]!]!))
      return { values, classes }
    },
  }

  function tooMany(count: string): HearthError {
    return invalid(`"${task.target}" has ${count} different values: too many for classes`)
  }
}

const strataOf = async (values: Float64Array, task: Task, classes: readonly string[]) => {
  if (classes.length > 0) return { strata: Int32Array.from(values), stratumCount: classes.length }
  const ranges = Math.max(1, Math.min(10, Math.floor(values.length / 20)))
  const stratumCount = task.kind === 'ranking' ? 1 : ranges
  return { strata: await rangesOf(values, stratumCount), stratumCount }
}

const separator = '\u001f'

/** 53 bits of a row without its id. */
const digestOf = (fields: readonly string[], id: number): number => {
  const text = (id < 0 ? fields : fields.toSpliced(id, 1)).join(separator)
  return Bun.hash.xxHash32(text, 1) * 2 ** 21 + (Bun.hash.xxHash32(text, 2) >>> 11)
}

/**
 * Rows that are the same are one unit, so that none is known from training. Where most rows have a
 * twin, as in tables of a few short columns, that is no leak but the nature of the data.
 */
const unitsOf = ({ numbers, count }: Numbering<number>) =>
  count * 2 >= numbers.length
    ? { units: Int32Array.from(numbers), unitCount: count }
    : { units: Int32Array.from(numbers.keys()), unitCount: numbers.length }
