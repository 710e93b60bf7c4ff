/** Reads the one number of a scalar tensor, as TensorFlow 2 and JAX write scalars. */
import { fields, packedVarints, signed, viewOf, type WireField } from './protobuf.ts'

/** Numbers of `DataType` in tensorflow/core/framework/types.proto. */
const dtypes: Readonly<Record<number, Dtype>> = {
  1: { bytes: 4, read: (view) => view.getFloat32(0, true) },
  2: { bytes: 8, read: (view) => view.getFloat64(0, true) },
  3: { bytes: 4, read: (view) => view.getInt32(0, true) },
  4: { bytes: 1, read: (view) => view.getUint8(0) },
  5: { bytes: 2, read: (view) => view.getInt16(0, true) },
  6: { bytes: 1, read: (view) => view.getInt8(0) },
  9: { bytes: 8, read: (view) => Number(view.getBigInt64(0, true)) },
  10: { bytes: 1, read: (view) => view.getUint8(0) },
  14: { bytes: 2, read: (view) => bfloat16(view.getUint16(0, true)) },
  19: { bytes: 2, read: (view) => view.getFloat16(0, true) },
  22: { bytes: 4, read: (view) => view.getUint32(0, true) },
  23: { bytes: 8, read: (view) => Number(view.getBigUint64(0, true)) },
}

interface Dtype {
  readonly bytes: number
  read(view: DataView): number
}

const bfloat16Type = 14
const halfType = 19

/** The value of a `TensorProto` that holds exactly one number; null for every other tensor. */
export const scalarOf = (message: Uint8Array): number | null => {
  let dtype = 0
  let isScalar = true
  let content: Uint8Array | undefined
  const values: WireField[] = []
  for (const field of fields(message)) {
    if (field.number === 1 && field.wire === 'varint') dtype = Number(field.value)
    else if (field.number === 2 && field.wire === 'bytes') isScalar = hasOneElement(field.bytes)
    else if (field.number === 4 && field.wire === 'bytes') content = field.bytes
    else if (field.number >= 5) values.push(field)
  }
  const type = dtypes[dtype]
  if (!type || !isScalar) return null
  if (content && content.length > 0) {
    return content.length === type.bytes ? type.read(viewOf(content)) : null
  }
  return values.length === 1 ? listedValue(values[0] as WireField, dtype) : null
}

/** `TensorShapeProto`: no dimension at all, or each of size one. */
const hasOneElement = (shape: Uint8Array): boolean => {
  for (const dimension of fields(shape)) {
    if (dimension.number !== 2 || dimension.wire !== 'bytes') continue
    let size = 0
    for (const field of fields(dimension.bytes)) {
      if (field.number === 1 && field.wire === 'varint') size = signed(field.value)
    }
    if (size !== 1) return false
  }
  return true
}

/** The value of `float_val`, `int_val` and their like: packed into bytes, or alone. */
const listedValue = (field: WireField, dtype: number): number | null => {
  if (field.wire === 'varint') return fromVarint(field.value, dtype)
  if (field.wire === 'fixed32') return field.view.getFloat32(0, true)
  if (field.wire === 'fixed64') return field.view.getFloat64(0, true)
  const { bytes } = field
  if (field.number === 5) return bytes.length === 4 ? viewOf(bytes).getFloat32(0, true) : null
  if (field.number === 6) return bytes.length === 8 ? viewOf(bytes).getFloat64(0, true) : null
  const [first, ...rest] = packedVarints(bytes)
  return first !== undefined && rest.length === 0 ? fromVarint(first, dtype) : null
}

/** 16-bit floats travel as their bits. */
const fromVarint = (value: bigint, dtype: number): number => {
  if (dtype !== halfType && dtype !== bfloat16Type) return signed(value)
  const bits = Number(BigInt.asUintN(16, value))
  if (dtype === bfloat16Type) return bfloat16(bits)
  const view = new DataView(new ArrayBuffer(2))
  view.setUint16(0, bits)
  return view.getFloat16(0)
}

/** The upper half of a 32-bit float. */
const bfloat16 = (bits: number): number => {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, bits * 0x10000)
  return view.getFloat32(0)
}
