/** Holds many rows as bytes: a fraction of what as many strings take, and nothing to walk over. */
import { csvLine, csvParser, type Row } from '../data/csv.ts'

const chunkBytes = 1 << 20

export class RowStore {
  readonly #chunks: Uint8Array[] = []
  readonly #offsets: number[] = []
  /** Place of the end in all chunks, as if they were one. */
  #end = 0
  readonly #encoder = new TextEncoder()
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  get length(): number {
    return this.#offsets.length / 2
  }

  add(row: Row): void {
    const line = this.#encoder.encode(csvLine(row))
    const left = this.#chunks.length * chunkBytes - this.#end
    // A line is never in two chunks; one that is longer than a chunk has its own chunks.
    if (line.length > left) {
      this.#end = this.#chunks.length * chunkBytes
      const needed = Math.max(1, Math.ceil(line.length / chunkBytes))
      const chunk = new Uint8Array(needed * chunkBytes)
      for (let i = 0; i < needed; i++) this.#chunks.push(chunk.subarray(i * chunkBytes))
    }
    this.#chunks[Math.floor(this.#end / chunkBytes)]!.set(line, this.#end % chunkBytes)
    this.#offsets.push(this.#end, this.#end + line.length)
    this.#end += line.length
  }

  at(index: number): Row {
    const start = this.#offsets[index * 2]!
    const end = this.#offsets[index * 2 + 1]!
    const chunk = this.#chunks[Math.floor(start / chunkBytes)]!
    const from = start % chunkBytes
    const text = this.#decoder.decode(chunk.subarray(from, from + end - start))
    return csvParser(',').push(text)[0]!
  }
}
