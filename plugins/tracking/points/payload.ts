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

/** Packed points, each column unpacked when it is first looked at. */
class PackedPoints implements Columns {
  readonly count: number
  readonly #buffer: ArrayBuffer
  readonly #formats: Uint8Array
  readonly #offsets: number[] = []
  readonly #columns: (Float64Array | undefined)[] = []

  constructor(bytes: Uint8Array, most: number) {
    // Typed arrays must start aligned, which drivers do not promise.
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
    this.#buffer = aligned.buffer as ArrayBuffer
    const header = new DataView(this.#buffer, aligned.byteOffset, HEADER_BYTES)
    const version = header.getUint8(0)
    if (version !== FORMAT_VERSION) throw new Error(`Points of unknown format ${version}`)
    const packed = header.getUint32(8, true)
    this.count = Math.min(packed, most)
    this.#formats = aligned.subarray(1, 5)
    let offset = aligned.byteOffset + HEADER_BYTES
    for (const format of this.#formats) {
      this.#offsets.push(offset)
      offset += columnBytes(format, packed)
    }
  }

  get keys(): Float64Array {
    return this.#column(0)
  }

  get steps(): Float64Array {
    return this.#column(1)
  }

  get times(): Float64Array {
    return this.#column(2)
  }

  get values(): Float64Array {
    return this.#column(3)
  }

  #column(i: number): Float64Array {
    const known = this.#columns[i]
    if (known) return known
    const format = this.#formats[i] as number
    const column = readColumn(this.#buffer, this.#offsets[i] as number, format, this.count)
    this.#columns[i] = column
    return column
  }
}

/** Unpacks what `encodePoints` packed, or its first points. May share memory with `bytes`. */
export const decodePoints = (bytes: Uint8Array, most = Infinity): Columns =>
  new PackedPoints(bytes, most)
