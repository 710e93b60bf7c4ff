/** Crosses the parts of generated requests: a few thousand of them make a hundred thousand. */
import type { Case } from './corpus.ts'

export interface Mixed {
  readonly operation: string
  readonly bytes: Buffer
}

/** A small generator of even numbers in [0, 1), the same for the same seed (mulberry32). */
export const randomFrom = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
}

/** Rare, or else nothing would be left to ask for, and hashing passwords would be all there is. */
const rare = /^DELETE |^POST \/auth\/(login|register)|^PUT \/auth/

export interface MixOptions {
  readonly corpus: ReadonlyMap<string, readonly Case[]>
  readonly host: string
  readonly random: () => number
  /** The token that asks; some operations spend the one they are asked with. */
  token(operation: string): string
}

/** Answers the next request: path, query, headers and body from four cases of one operation. */
export const mixer = ({ corpus, host, random, token }: MixOptions): (() => Mixed) => {
  const operations = [...corpus.keys()]
  const common = operations.filter((operation) => !rare.test(operation))
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  return () => {
    const operation = pick(random() < 0.98 ? common : operations)
    const cases = corpus.get(operation) as readonly Case[]
    const { path } = pick(cases)
    const { query } = pick(cases)
    const { headers } = pick(cases)
    const body = Buffer.from(pick(cases).body, 'base64')
    const head = [
      `${operation.split(' ')[0]} ${path}${query && `?${query}`} HTTP/1.1`,
      `host: ${host}`,
      `authorization: Bearer ${token(operation)}`,
      ...Object.entries(headers)
        .filter(([name]) => !/^(host|connection|content-length)$/i.test(name))
        .map(([name, value]) => `${name}: ${value}`),
      `content-length: ${body.length}`,
    ]
    const text = `${head.join('\r\n')}\r\n\r\n`
    return { operation, bytes: Buffer.concat([Buffer.from(text, 'latin1'), body]) }
  }
}
