/** Cuts points into the chunks that they are kept in, copying as little as can be. */
import { CHUNK_POINTS } from './chunks.ts'
import { type Columns, columnsOf, encodePoints, setColumns } from './payload.ts'
import type { OpenBatch } from './state.ts'
import { addPoint, emptySummary, type Summary } from './summary.ts'

export interface Chunk {
  readonly firstId: number
  readonly summary: Summary
  readonly payload: Uint8Array
}

/** Points `from..to` of columns. */
export interface Range {
  readonly columns: Columns
  readonly from: number
  readonly to: number
}

/** The points of batches, those of one series side by side and in order of id. */
export const groupBySeries = (batches: readonly OpenBatch[]): Map<number, Range> => {
  const counts = new Map<number, number>()
  let total = 0
  for (const { keys, count } of batches) {
    total += count
    for (let i = 0; i < count;) {
      const key = keys[i] as number
      const from = i
      while (i < count && keys[i] === key) i++
      counts.set(key, (counts.get(key) ?? 0) + i - from)
    }
  }
  const columns = columnsOf(total)
  const groups = new Map<number, { columns: Columns; from: number; to: number }>()
  let start = 0
  for (const [key, count] of counts) {
    groups.set(key, { columns, from: start, to: start })
    start += count
  }
  for (const { firstId, keys, steps, times, values, count } of batches) {
    for (let i = 0; i < count;) {
      const key = keys[i] as number
      const group = groups.get(key) as { to: number }
      let at = group.to
      for (; i < count && keys[i] === key; i++, at++) {
        columns.keys[at] = firstId + i
        columns.steps[at] = steps[i] as number
        columns.times[at] = times[i] as number
        columns.values[at] = values[i] as number
      }
      group.to = at
    }
  }
  return groups
}

export const addRange = (summary: Summary, { columns, from, to }: Range): Summary => {
  const { keys, steps, times, values } = columns
  for (let i = from; i < to; i++) {
    addPoint(
      summary,
      keys[i] as number,
      steps[i] as number,
      times[i] as number,
      values[i] as number,
    )
  }
  return summary
}

const chunkOf = (range: Range): Chunk => ({
  firstId: range.columns.keys[range.from] as number,
  summary: addRange(emptySummary(), range),
  payload: encodePoints(range.columns, range.from, range.to),
})

/** Cuts points of one series, in order of id, into chunks. */
export const chunksOfRange = ({ columns, from, to }: Range): Chunk[] => {
  const chunks: Chunk[] = []
  for (let at = from; at < to; at += CHUNK_POINTS) {
    chunks.push(chunkOf({ columns, from: at, to: Math.min(at + CHUNK_POINTS, to) }))
  }
  return chunks
}

export const chunksFrom = (columns: Columns): Chunk[] =>
  chunksOfRange({ columns, from: 0, to: columns.count })

/** The first chunk of a range, filled up behind what a chunk with room holds, and the others. */
export const chunksBehind = (tail: Columns, { columns, from, to }: Range): Chunk[] => {
  const moved = Math.min(to - from, CHUNK_POINTS - tail.count)
  const filled = columnsOf(tail.count + moved)
  setColumns(filled, 0, tail)
  for (let i = 0; i < moved; i++) {
    filled.keys[tail.count + i] = columns.keys[from + i] as number
    filled.steps[tail.count + i] = columns.steps[from + i] as number
    filled.times[tail.count + i] = columns.times[from + i] as number
    filled.values[tail.count + i] = columns.values[from + i] as number
  }
  return [...chunksFrom(filled), ...chunksOfRange({ columns, from: from + moved, to })]
}
