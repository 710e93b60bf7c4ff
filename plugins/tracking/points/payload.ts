/** The binary form of points in a row of the database: a header, then one packed column each. */
import {
  columnBytes,
  planIntegers,
  planValues,
  readColumn,
  readOne,
  scratchOf,
  writeColumn,
} from './column.ts'

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

export const columnsOf = (count: number): Columns => ({
  count,
  keys: new Float64Array(count),
  steps: new Float64Array(count),
  times: new Float64Array(count),
  values: new Float64Array(count),
})

export const setColumns = (all: Columns, at: number, part: Columns): void => {
  all.keys.set(part.keys, at)
  all.steps.set(part.steps, at)
  all.times.set(part.times, at)
  all.values.set(part.values, at)
}

export const concat = (parts: readonly Columns[]): Columns => {
  const all = columnsOf(parts.reduce((count, part) => count + part.count, 0))
  let at = 0
  for (const part of parts) {
    setColumns(all, at, part)
    at += part.count
  }
  return all
}

const FORMAT_VERSION = 1
const HEADER_BYTES = 16

/** Packs points `from..to`. Little-endian, as every machine we run on is. */
export const encodePoints = (points: Columns, from = 0, to = points.count): Uint8Array => {
  const { keys, steps, times, values } = points
  const count = to - from
  const columns = [keys, steps, times, values]
  const plans = [
    planIntegers(keys, from, count),
    planIntegers(steps, from, count),
    planIntegers(times, from, count),
    planValues(values, from, count),
  ]
  let sizeBytes = HEADER_BYTES
  for (const plan of plans) sizeBytes += columnBytes(plan.format, count)
  const scratch = scratchOf(sizeBytes)
  scratch.bytes.fill(0, 0, HEADER_BYTES)
  scratch.bytes[0] = FORMAT_VERSION
  scratch.words[2] = count
  let offset = HEADER_BYTES
  plans.forEach((plan, i) => {
    scratch.bytes[i + 1] = plan.format
    writeColumn(scratch, offset, plan, columns[i] as Float64Array, from, count)
    offset += columnBytes(plan.format, count)
  })
  return scratch.bytes.slice(0, sizeBytes)
}

/** Packed points, of which one can be looked at, or the first ones unpacked. */
export class PackedPoints {
  readonly count: number
  readonly sizeBytes: number
  readonly #buffer: ArrayBuffer
  readonly #formats: number[] = []
  readonly #offsets: number[] = []

  constructor(bytes: Uint8Array) {
    // Typed arrays must start aligned, which drivers do not promise.
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
    this.#buffer = aligned.buffer as ArrayBuffer
    this.sizeBytes = bytes.byteLength
    const header = new DataView(this.#buffer, aligned.byteOffset, HEADER_BYTES)
    const version = header.getUint8(0)
    if (version !== FORMAT_VERSION) throw new Error(`Points of unknown format ${version}`)
    this.count = header.getUint32(8, true)
    let offset = aligned.byteOffset + HEADER_BYTES
    for (let i = 1; i <= 4; i++) {
      const format = header.getUint8(i)
      this.#formats.push(format)
      this.#offsets.push(offset)
      offset += columnBytes(format, this.count)
    }
  }

  keyAt(i: number): number {
    return readOne(this.#buffer, this.#offsets[0] as number, this.#formats[0] as number, i)
  }

  /** The first points, each column unpacked when it is first looked at. */
  take(count: number): Columns {
    const columns: (Float64Array | undefined)[] = []
    const column = (i: number): Float64Array => {
      const known = columns[i]
      if (known) return known
      const offset = this.#offsets[i] as number
      const read = readColumn(this.#buffer, offset, this.#formats[i] as number, count)
      columns[i] = read
      return read
    }
    return {
      count,
      get keys() {
        return column(0)
      },
      get steps() {
        return column(1)
      },
      get times() {
        return column(2)
      },
      get values() {
        return column(3)
      },
    }
  }
}

/** Unpacks what `encodePoints` packed. The columns may share memory with `bytes`. */
export const decodePoints = (bytes: Uint8Array): Columns => {
  const packed = new PackedPoints(bytes)
  const { count, keys, steps, times, values } = packed.take(packed.count)
  return { count, keys, steps, times, values }
}
