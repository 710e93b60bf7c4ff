/** Sums up a table column by column, in one pass and bounded memory. */
import { isBoolean, isMissing, numberIn } from './cell.ts'
import { pace } from './pace.ts'
import type { ColumnSummary, TableSummary } from './preview.ts'
import { readTable } from './read-table.ts'

/** Different values that are counted; beyond, `unique` is a lower bound. */
const maxUnique = 10_000
const maxTop = 10
const maxTopLength = 200

export const summariseTable = async (
  path: string,
  bytes: ReadableStream<Uint8Array>,
): Promise<TableSummary> => {
  const table = await readTable(bytes)
  const columns = table.columns.map(columnSummary)
  let rows = 0
  for await (const batch of table.batches) {
    rows += batch.length
    for (const row of batch) for (let i = 0; i < columns.length; i++) columns[i]!.add(row[i]!)
  }
  const steps = pace()
  const summaries: ColumnSummary[] = []
  for (const column of columns) {
    summaries.push(column.end())
    await steps.turn()
  }
  return { path, rows, columns: summaries }
}

/** Of a long text its beginning and a digest: ten thousand of them fit into memory. */
const keyOf = (field: string): string =>
  field.length <= maxTopLength
    ? field
    : `${field.slice(0, maxTopLength)}${Bun.hash.xxHash32(field).toString(36)}`

const columnSummary = (name: string) => {
  const counts = new Map<string, number>()
  let present = 0
  let missing = 0
  let numbers = 0
  let integers = 0
  let booleans = 0
  let dates = 0
  let letters = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY

  const add = (field: string): void => {
    if (isMissing(field)) {
      missing++
      return
    }
    present++
    letters += field.length
    const key = keyOf(field)
    const count = counts.get(key)
    if (count !== undefined) counts.set(key, count + 1)
    else if (counts.size < maxUnique) counts.set(key, 1)
    const number = numberIn(field)
    if (!Number.isNaN(number)) {
      numbers++
      if (Number.isInteger(number)) integers++
      if (number < min) min = number
      if (number > max) max = number
    } else if (isBoolean(field)) booleans++
    else if (isDate(field)) dates++
  }

  const kind = (): ColumnSummary['kind'] => {
    if (present === 0) return 'empty'
    if (numbers === present) return integers === present ? 'integer' : 'number'
    if (booleans === present) return 'boolean'
    if (dates >= present * 0.95) return 'date'
    const isLong = letters / present > 40
    if (isLong || (counts.size > 50 && counts.size > present / 2)) return 'text'
    return 'category'
  }

  const end = (): ColumnSummary => ({
    name,
    kind: kind(),
    missing,
    unique: counts.size,
    min: numbers > 0 ? min : null,
    max: numbers > 0 ? max : null,
    top: [...counts]
      .sort((a, b) => b[1] - a[1])
      .slice(0, maxTop)
      .map(([value]) => value.slice(0, maxTopLength)),
  })

  return { add, end }
}

const day = String.raw`(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})`
const time = String.raw`[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}:?\d{2}))?`
const datePattern = new RegExp(`^${day}(${time})?$`)

const isDate = (field: string): boolean =>
  field.length >= 8 && field.length <= 40 && datePattern.test(field.trim())
