/** Where a verb writes: results to standard output, everything about them to standard error. */
import { type Style, styleFor } from './style.ts'

export interface Output {
  /** Everything on standard output is JSON, one object a line. */
  readonly json: boolean
  readonly style: Style
  /** Lines for people; nothing with `json`. */
  print(text: string): Promise<void>
  /** Exactly these bytes. */
  raw(bytes: Uint8Array | string): Promise<void>
  /** One line of JSON; nothing without `json`. */
  record(value: object): Promise<void>
  /** A remark on standard error; nothing with `json`. */
  note(text: string): void
}

/** Resolves when the reader has taken it, so that a slow one never fills the memory. */
export const write = (stream: NodeJS.WriteStream, data: Uint8Array | string): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(error) : resolve()))
  })

export const createOutput = (
  json: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Output => ({
  json,
  style: styleFor(process.stdout, env),
  print: async (text) => {
    if (!json) await write(process.stdout, `${text}\n`)
  },
  raw: (bytes) => write(process.stdout, bytes),
  record: async (value) => {
    if (json) await write(process.stdout, `${JSON.stringify(value)}\n`)
  },
  note: (text) => {
    if (!json) process.stderr.write(`${text}\n`)
  },
})
