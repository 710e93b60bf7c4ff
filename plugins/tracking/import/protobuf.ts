/** Walks the fields of a protobuf message: the few lines of the format that event files need. */

export type WireValue =
  | { readonly wire: 'varint'; readonly value: bigint }
  | { readonly wire: 'fixed64'; readonly view: DataView }
  | { readonly wire: 'fixed32'; readonly view: DataView }
  | { readonly wire: 'bytes'; readonly bytes: Uint8Array }

export type WireField = WireValue & { readonly number: number }

/** Yields the fields of a message in order. @throws RangeError when it is cut or malformed */
export function* fields(message: Uint8Array): Generator<WireField> {
  const reader = new Reader(message)
  while (!reader.done) {
    const key = Number(reader.varint())
    const number = key >>> 3
    switch (key & 7) {
      case 0:
        yield { number, wire: 'varint', value: reader.varint() }
        break
      case 1:
        yield { number, wire: 'fixed64', view: viewOf(reader.take(8)) }
        break
      case 2:
        yield { number, wire: 'bytes', bytes: reader.take(Number(reader.varint())) }
        break
      case 5:
        yield { number, wire: 'fixed32', view: viewOf(reader.take(4)) }
        break
      default:
        throw new RangeError(`wire type ${key & 7} is not known`)
    }
  }
}

/** A varint as the signed 64-bit integer it stands for. */
export const signed = (value: bigint): number => Number(BigInt.asIntN(64, value))

/** The varints of a packed field. */
export function* packedVarints(bytes: Uint8Array): Generator<bigint> {
  const reader = new Reader(bytes)
  while (!reader.done) yield reader.varint()
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  varint(): bigint {
    let small = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte()
      small |= (byte & 0x7f) << shift
      if (byte < 0x80) return BigInt(small)
    }
    let value = BigInt(small)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new RangeError('a varint is longer than 10 bytes')
  }

  take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new RangeError('the message is cut')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new RangeError('the message is cut')
    return byte
  }
}
