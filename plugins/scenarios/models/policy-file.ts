/** A trained policy as a file: its layers, what goes in and what comes out. */

export interface PolicyLayer {
  readonly inputs: number
  readonly outputs: number
  /** `[inputs][outputs]` row after row, float32, base64. */
  readonly weights: string
  /** `[outputs]`, float32, base64. */
  readonly bias: string
}

export interface PolicyFile {
  readonly format: 1
  readonly scenario: { readonly id: string; readonly version: number }
  readonly actions: readonly string[]
  readonly observations: number
  /** tanh between them, nothing after the last. */
  readonly layers: readonly PolicyLayer[]
}

export const bytesOf = (values: Float32Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')

export const floatsOf = (text: string): Float32Array => {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'))
  return new Float32Array(bytes.buffer)
}

export const layerOf = (rows: readonly Float32Array[], bias: Float32Array): PolicyLayer => {
  const outputs = bias.length
  const weights = new Float32Array(rows.length * outputs)
  for (const [r, row] of rows.entries()) weights.set(row, r * outputs)
  return { inputs: rows.length, outputs, weights: bytesOf(weights), bias: bytesOf(bias) }
}
