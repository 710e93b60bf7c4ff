/** JSON as machine-learning programs write it: with the bare tokens NaN, Infinity and -Infinity. */
import { HearthError } from '../../src/sdk.ts'

/** The words for values that JSON has no number for. */
const words = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

/**
 * Reads JSON; bare `NaN`, `Infinity` and `-Infinity` (Python's `json.dumps` writes them) become the
 * strings of the same name. Text without them costs one `JSON.parse` and nothing more.
 * @throws HearthError `malformed_json`
 */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    const quoted = quoteTokens(text)
    if (quoted === null) throw malformed(error)
    try {
      return JSON.parse(quoted)
    } catch (second) {
      throw malformed(second)
    }
  }
}

const malformed = (cause: unknown): HearthError => {
  const reason = cause instanceof SyntaxError ? `: ${cause.message.slice(0, 200)}` : ''
  return new HearthError('malformed_json', `The body is not valid JSON${reason}`, { cause })
}

const bareToken = /\bNaN\b|-?\bInfinity\b/g

/** The text with its bare tokens in quotes, those inside strings left alone; null when none. */
const quoteTokens = (text: string): string | null => {
  if (!text.includes('NaN') && !text.includes('Infinity')) return null
  let quoted = ''
  let start = 0
  while (true) {
    const open = text.indexOf('"', start)
    if (open < 0) return quoted + text.slice(start).replace(bareToken, '"$&"')
    const end = endOfString(text, open)
    quoted += text.slice(start, open).replace(bareToken, '"$&"') + text.slice(open, end)
    start = end
  }
}

/** Index behind the quote that closes the string opened at `open`. */
const endOfString = (text: string, open: number): number => {
  for (let close = text.indexOf('"', open + 1); close > 0; close = text.indexOf('"', close + 1)) {
    let backslashes = 0
    while (text.charCodeAt(close - 1 - backslashes) === 0x5c) backslashes++
    if (backslashes % 2 === 0) return close + 1
  }
  return text.length
}

/** The number that a JSON value means; undefined when it means none. */
export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : typeof value === 'string' ? words.get(value) : undefined

/** A number as JSON text: what JSON has no number for becomes a string. */
export const numberJson = (value: number): string =>
  // Adding zero turns -0 into 0: JSON readers disagree about the former.
  Number.isFinite(value) ? String(value + 0) : value !== value ? '"NaN"' : infinityJson(value)

const infinityJson = (value: number): string => (value > 0 ? '"Infinity"' : '"-Infinity"')

/** Like `numberJson`, as the value that `JSON.stringify` will write. */
export const jsonNumber = (value: number): number | string =>
  Number.isFinite(value) ? value : String(value)

/** A column of numbers as a JSON array. */
export const numbersJson = (values: ArrayLike<number>, start = 0, end = values.length): string => {
  let text = '['
  for (let i = start; i < end; i++) text += (i === start ? '' : ',') + numberJson(values[i]!)
  return `${text}]`
}

/** JSON text of anything that `parseJson` read; numbers beyond 64-bit floats become words. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'number' && !Number.isFinite(item) ? String(item) : item,
  )
