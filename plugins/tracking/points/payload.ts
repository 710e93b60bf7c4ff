/** The binary form of points in a row of the database: a header, then one packed column each. */
import { columnBytes, planIntegers, planValues, readColumn, writeColumn } from './column.ts'

/**
 * Points as parallel columns. `keys` is what differs between the two kinds of payload: the series
 * of each point in an open batch (whose ids count up from its first), the id of each in a chunk.
 */
export interface Columns {
  readonly count: number
  readonly keys: Float64Array
  readonly steps: Float64Array
  readonly times: Float64Array
  readonly values: Float64Array
}

const FORMAT_VERSION = 1
const HEADER_BYTES = 16

/** Packs the points. Little-endian, as every machine we run on is. */
export const encodePoints = (points: Columns): Uint8Array => {
  const { count, keys, steps, times, values } = points
  const columns = [keys, steps, times, values]
  const plans = [
    planIntegers(keys, count),
    planIntegers(steps, count),
    planIntegers(times, count),
    planValues(values, count),
  ]
  let sizeBytes = HEADER_BYTES
  for (const plan of plans) sizeBytes += columnBytes(plan.format, count)
  const buffer = new ArrayBuffer(sizeBytes)
  const header = new DataView(buffer)
  header.setUint8(0, FORMAT_VERSION)
  header.setUint32(8, count, true)
  let offset = HEADER_BYTES
  plans.forEach((plan, i) => {
    header.setUint8(i + 1, plan.format)
    writeColumn(buffer, offset, plan, columns[i] as Float64Array, count)
    offset += columnBytes(plan.format, count)
  })
  return new Uint8Array(buffer)
}

/** Unpacks what `encodePoints` packed. The columns may share memory with `bytes`. */
export const decodePoints = (bytes: Uint8Array): Columns => {
  // Typed arrays must start aligned, which drivers do not promise.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
  const buffer = aligned.buffer as ArrayBuffer
  const start = aligned.byteOffset
  const header = new DataView(buffer, start, HEADER_BYTES)
  const version = header.getUint8(0)
  if (version !== FORMAT_VERSION) throw new Error(`Points of unknown format ${version}`)
  const count = header.getUint32(8, true)
  let offset = start + HEADER_BYTES
  const next = (i: number): Float64Array => {
    const format = header.getUint8(i + 1)
    const column = readColumn(buffer, offset, format, count)
    offset += columnBytes(format, count)
    return column
  }
  return { count, keys: next(0), steps: next(1), times: next(2), values: next(3) }
}
