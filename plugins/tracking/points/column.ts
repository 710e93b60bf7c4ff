/** Packs one column of numbers into few bytes and back, exactly and near memory speed. */

/**
 * How a column lies in its payload. Integers are `base + i * stride + residual` with an unsigned
 * residual of 0, 8, 16 or 32 bits (frame of reference), so that counters cost nothing and clocks
 * little. Whatever does not fit is kept as floats, which also keep NaN and the infinities.
 */
export interface ColumnPlan {
  readonly format: number
  readonly base: number
  readonly stride: number
}

const FLOAT32 = 33
const FLOAT64 = 65
const RAW: ColumnPlan = { format: FLOAT64, base: 0, stride: 0 }
const SINGLE: ColumnPlan = { format: FLOAT32, base: 0, stride: 0 }
const MAX = Number.MAX_SAFE_INTEGER
const FRAME_BYTES = 16

const isFloat = (format: number): boolean => format >= FLOAT32

const bitsFor = (range: number): number =>
  range === 0 ? 0 : range < 256 ? 8 : range < 65_536 ? 16 : 32

/** The stride that a regular column would have, or 0 where predictions could lose precision. */
const strideOf = (column: ArrayLike<number>, from: number, count: number): number => {
  if (count < 2) return 0
  const first = column[from] as number
  const stride = Math.round(((column[from + count - 1] as number) - first) / (count - 1))
  const reach = stride * (count - 1)
  return Math.abs(reach) <= MAX / 2 ? stride : 0
}

/** Plans a column that should hold integers; anything else in it makes the plan raw floats. */
export const planIntegers = (
  column: ArrayLike<number>,
  from: number,
  count: number,
): ColumnPlan => {
  const stride = strideOf(column, from, count)
  let low = Infinity
  let high = -Infinity
  for (let i = 0; i < count; i++) {
    const value = column[from + i] as number
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) return RAW
    const residual = value - i * stride
    if (residual < low) low = residual
    if (residual > high) high = residual
  }
  if (count === 0) return { format: 0, base: 0, stride: 0 }
  const range = high - low
  if (!(range < 2 ** 32) || Math.abs(low) > MAX || Math.abs(high) > MAX) return RAW
  return { format: bitsFor(range), base: low, stride }
}

/** Plans a column of any numbers: integers, floats that survive 32 bits, or raw floats. */
export const planValues = (column: ArrayLike<number>, from: number, count: number): ColumnPlan => {
  if (count > 0 && Number.isInteger(column[from])) {
    const integers = planIntegers(column, from, count)
    if (integers.format <= 32) return integers
  }
  for (let i = from; i < from + count; i++) {
    const value = column[i] as number
    if (Math.fround(value) !== value && value === value) return RAW
  }
  return SINGLE
}

const dataBytes = (format: number, count: number): number => {
  const bits = isFloat(format) ? format - 1 : format
  return Math.ceil((bits * count) / 64) * 8
}

/** Bytes the column takes; always a multiple of eight, so that every column starts aligned. */
export const columnBytes = (format: number, count: number): number =>
  dataBytes(format, count) + (isFloat(format) ? 0 : FRAME_BYTES)

type Residuals = Uint8Array | Uint16Array | Uint32Array

const residuals = (buffer: ArrayBuffer, offset: number, bits: number, count: number): Residuals =>
  bits === 8
    ? new Uint8Array(buffer, offset, count)
    : bits === 16
      ? new Uint16Array(buffer, offset, count)
      : new Uint32Array(buffer, offset, count)

/** Memory to pack into, seen through every width: made once, since views are not free. */
interface Scratch {
  readonly bytes: Uint8Array
  readonly shorts: Uint16Array
  readonly words: Uint32Array
  readonly singles: Float32Array
  readonly doubles: Float64Array
}

const makeScratch = (sizeBytes: number): Scratch => {
  const buffer = new ArrayBuffer(sizeBytes)
  return {
    bytes: new Uint8Array(buffer),
    shorts: new Uint16Array(buffer),
    words: new Uint32Array(buffer),
    singles: new Float32Array(buffer),
    doubles: new Float64Array(buffer),
  }
}

const KEPT_BYTES = 65_536
const kept = makeScratch(KEPT_BYTES)

/** Valid until the next call; `sizeBytes` is a multiple of eight. */
export const scratchOf = (sizeBytes: number): Scratch =>
  sizeBytes <= KEPT_BYTES ? kept : makeScratch(sizeBytes)

/** Writes a planned column at `offset`, which must be a multiple of eight. */
export const writeColumn = (
  scratch: Scratch,
  offset: number,
  { format, base, stride }: ColumnPlan,
  column: ArrayLike<number>,
  from: number,
  count: number,
): void => {
  if (isFloat(format)) {
    const out = format === FLOAT64 ? scratch.doubles : scratch.singles
    const at = offset / out.BYTES_PER_ELEMENT
    for (let i = 0; i < count; i++) out[at + i] = column[from + i] as number
    if (format === FLOAT32 && count % 2 === 1) out[at + count] = 0
    return
  }
  scratch.doubles[offset / 8] = base
  scratch.doubles[offset / 8 + 1] = stride
  if (format === 0) return
  const out = format === 8 ? scratch.bytes : format === 16 ? scratch.shorts : scratch.words
  const start = offset + FRAME_BYTES
  const at = start / out.BYTES_PER_ELEMENT
  const end = (start + dataBytes(format, count)) / out.BYTES_PER_ELEMENT
  for (let i = 0; i < count; i++) out[at + i] = (column[from + i] as number) - i * stride - base
  // What lies there from the last time would make equal points differ.
  out.fill(0, at + count, end)
}

/** Reads a column back; `offset` must be a multiple of eight. */
export const readColumn = (
  buffer: ArrayBuffer,
  offset: number,
  format: number,
  count: number,
): Float64Array => {
  if (format === FLOAT64) return new Float64Array(buffer, offset, count)
  if (format === FLOAT32) return Float64Array.from(new Float32Array(buffer, offset, count))
  const out = new Float64Array(count)
  const frame = new Float64Array(buffer, offset, 2)
  const base = frame[0] as number
  const stride = frame[1] as number
  if (format === 0) {
    for (let i = 0; i < count; i++) out[i] = i * stride + base
    return out
  }
  const packed = residuals(buffer, offset + FRAME_BYTES, format, count)
  for (let i = 0; i < count; i++) out[i] = (packed[i] as number) + i * stride + base
  return out
}

/** Reads one number of a column. */
export const readOne = (
  buffer: ArrayBuffer,
  offset: number,
  format: number,
  at: number,
): number => {
  if (format === FLOAT64) return new Float64Array(buffer, offset, at + 1)[at] as number
  if (format === FLOAT32) return new Float32Array(buffer, offset, at + 1)[at] as number
  const frame = new Float64Array(buffer, offset, 2)
  const base = frame[0] as number
  const stride = frame[1] as number
  if (format === 0) return at * stride + base
  const packed = residuals(buffer, offset + FRAME_BYTES, format, at + 1)
  return (packed[at] as number) + at * stride + base
}
