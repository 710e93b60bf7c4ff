/** As much of the wire format of Protocol Buffers as it takes to write a message. */

type Part = Uint8Array | readonly Part[]

const flat = (parts: readonly Part[]): Uint8Array[] =>
  parts.flatMap((part) => (part instanceof Uint8Array ? [part] : flat(part)))

export const joined = (...parts: readonly Part[]): Uint8Array =>
  new Uint8Array(Buffer.concat(flat(parts)))

const variable = (value: number): Uint8Array => {
  const bytes: number[] = []
  let left = value
  while (left > 127) {
    bytes.push((left % 128) + 128)
    left = Math.floor(left / 128)
  }
  return Uint8Array.from([...bytes, left])
}

/** A whole number, not negative. */
export const whole = (field: number, value: number): Uint8Array =>
  joined(variable(field * 8), variable(value))

/** A message, bytes or text. */
export const block = (field: number, value: Uint8Array | string): Uint8Array => {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  return joined(variable(field * 8 + 2), variable(bytes.length), bytes)
}
