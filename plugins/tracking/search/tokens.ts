/** Cuts a filter into words, so that the parser never meets a character. */
import { HearthError } from '../../../src/sdk.ts'

/** One segment of a path: `metrics."train loss".min` has three, the middle one quoted. */
export interface Segment {
  readonly text: string
  readonly quoted: boolean
}

export type Token =
  | { readonly kind: 'path'; readonly at: number; readonly segments: readonly Segment[] }
  | { readonly kind: 'text'; readonly at: number; readonly value: string }
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'symbol'; readonly at: number; readonly value: string }
  | { readonly kind: 'end'; readonly at: number }

export const maxFilterLength = 4096

const space = /\s+/y
const numberToken = /[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf(?:inity)?\b|nan\b)/iy
const symbolToken = /!=|<=|>=|==|[=<>~(),]/y
const bare = /[\p{L}_][\p{L}\p{N}_/:@%\-]*/uy
/** After the first dot a key may begin with a digit: `params.layers.0`. */
const bareRest = /[\p{L}\p{N}_/:@%\-]+/uy

/** @throws HearthError `bad_request` naming the position of what it cannot read */
export const tokenize = (source: string, name: string): Token[] => {
  if (source.length > maxFilterLength) {
    throw syntaxError(name, maxFilterLength, `is longer than ${maxFilterLength} characters`)
  }
  // PostgreSQL takes NUL in no text.
  const nul = source.indexOf('\0')
  if (nul >= 0) throw syntaxError(name, nul, 'holds NUL')
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    at += match(space, source, at)?.length ?? 0
    if (at >= source.length) return [...tokens, { kind: 'end', at: source.length }]
    const [token, end] = nextToken(source, at, name)
    tokens.push(token)
    at = end
  }
}

const nextToken = (source: string, at: number, name: string): [Token, number] => {
  const number = match(numberToken, source, at)
  if (number !== null && (isNumeral(number) || match(bare, source, at) === number)) {
    return [{ kind: 'number', at, value: toNumber(number) }, at + number.length]
  }
  const symbol = match(symbolToken, source, at)
  if (symbol !== null) {
    return [{ kind: 'symbol', at, value: symbol === '==' ? '=' : symbol }, at + symbol.length]
  }
  if (source[at] === '"' || source[at] === "'") {
    const [value, end] = quoted(source, at, name)
    return [{ kind: 'text', at, value }, end]
  }
  return path(source, at, name)
}

const path = (source: string, start: number, name: string): [Token, number] => {
  const segments: Segment[] = []
  let at = start
  do {
    if (segments.length > 0) at++
    const quote = source[at]
    if (quote === '`' || (segments.length > 0 && (quote === '"' || quote === "'"))) {
      const [text, end] = quoted(source, at, name)
      segments.push({ text, quoted: true })
      at = end
    } else {
      const text = match(segments.length === 0 ? bare : bareRest, source, at)
      if (text === null) throw syntaxError(name, at, `has an unexpected ${show(source, at)}`)
      segments.push({ text, quoted: false })
      at += text.length
    }
  } while (source[at] === '.')
  return [{ kind: 'path', at: start, segments }, at]
}

/** Reads from one quote to the next; the quote itself is written twice, or after a backslash. */
const quoted = (source: string, start: number, name: string): [string, number] => {
  const quote = source[start]
  let text = ''
  for (let at = start + 1; at < source.length; at++) {
    const character = source[at] as string
    const next = source[at + 1]
    if (character === quote && next !== quote) return [text, at + 1]
    if (character === quote || (character === '\\' && (next === quote || next === '\\'))) {
      text += next
      at++
    } else text += character
  }
  throw syntaxError(name, start, `has a ${quote} that is never closed`)
}

const match = (pattern: RegExp, source: string, at: number): string | null => {
  pattern.lastIndex = at
  return pattern.exec(source)?.[0] ?? null
}

const isNumeral = (text: string): boolean => /^[+-]|\d/.test(text)

const toNumber = (text: string): number => {
  const word = text.toLowerCase()
  if (word.endsWith('nan')) return Number.NaN
  if (word.includes('inf')) return word.startsWith('-') ? -Infinity : Infinity
  return Number(text)
}

const show = (source: string, at: number): string =>
  at < source.length ? `"${String.fromCodePoint(source.codePointAt(at) ?? 0)}"` : 'end'

/** Positions are told from 1, as people count; `name` is the request's field. */
export const syntaxError = (name: string, at: number, problem: string): HearthError => {
  const message = `${name} ${problem} at position ${at + 1}`
  return new HearthError('bad_request', message, { issues: [{ path: name, message }] })
}
