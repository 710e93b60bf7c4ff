/** The hidden side of the data: what is true of each row to predict. It never leaves the server. */
import { canonical } from '../data/cell.ts'
import { paced } from '../data/pace.ts'
import { readTable } from '../data/read-table.ts'

/** In the order of `test.csv`. */
export interface Truth {
  readonly ids: readonly string[]
  /** 1 for the selection part, 0 for the search part. */
  readonly isSelection: Uint8Array
  /** Numbers, or places among the classes. */
  readonly target: Float64Array
  /** For ranking: the query of each row. */
  readonly groups: Int32Array | null
}

export const truthLines = function* (truth: Truth): Generator<string[]> {
  yield ['id', 'part', 'target', 'group']
  for (let i = 0; i < truth.ids.length; i++) {
    const part = truth.isSelection[i] === 1 ? 'selection' : 'search'
    const group = truth.groups ? String(truth.groups[i]) : ''
    yield [truth.ids[i]!, part, String(truth.target[i]), group]
  }
}

export const readTruth = async (bytes: ReadableStream<Uint8Array>): Promise<Truth> => {
  const table = await readTable(bytes)
  const ids: string[] = []
  const selection: number[] = []
  const target: number[] = []
  const groups: number[] = []
  for await (const batch of table.batches) {
    for (const [id, part, value, group] of batch) {
      ids.push(id!)
      selection.push(part === 'selection' ? 1 : 0)
      target.push(Number(value))
      if (group !== '') groups.push(Number(group))
    }
  }
  return {
    ids,
    isSelection: Uint8Array.from(selection),
    target: Float64Array.from(target),
    groups: groups.length > 0 ? Int32Array.from(groups) : null,
  }
}

/** Finds the row of an id, also of one that a program read as a number and wrote as another. */
export const rowFinder = async ({ ids }: Truth): Promise<(id: string) => number | undefined> => {
  let areCounted = true
  await paced(ids.length, (row) => (areCounted &&= ids[row] === String(row)))
  if (areCounted) {
    return (id) => {
      const row = /^\s*\d{1,15}(\.0*)?\s*$/.test(id) ? Number(id) : -1
      return row >= 0 && row < ids.length ? row : undefined
    }
  }
  const exact = new Map<string, number>()
  await paced(ids.length, (row) => exact.set(ids[row]!, row))
  let loose: Map<string, number> | null = null
  return (id) => {
    const row = exact.get(id)
    if (row !== undefined) return row
    loose ??= looseRows(ids)
    return loose.get(canonical(id))
  }
}

/** Rows by the number that their id is; `7` and `007` together are found by their spelling only. */
const looseRows = (ids: readonly string[]): Map<string, number> => {
  const rows = new Map<string, number>()
  const ambiguous = new Set<string>()
  ids.forEach((id, row) => {
    const key = canonical(id)
    if (rows.has(key)) ambiguous.add(key)
    rows.set(key, row)
  })
  for (const key of ambiguous) rows.delete(key)
  return rows
}

/** The rows of the search part (0) or the selection part (1). */
export const rowsOfPart = ({ isSelection }: Truth, part: 0 | 1): Int32Array => {
  const rows = new Int32Array(isSelection.length)
  let count = 0
  for (let row = 0; row < isSelection.length; row++) {
    if (isSelection[row] === part) rows[count++] = row
  }
  return rows.slice(0, count)
}
