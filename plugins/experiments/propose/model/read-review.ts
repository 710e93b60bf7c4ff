/** Reads a review out of whatever a model made of it: a call, JSON in text, or just words. */
import { withoutThoughts } from './extract.ts'

export interface ReadReview {
  readonly isBug: boolean
  readonly summary: string
  readonly metric: number | null
  readonly lowerIsBetter: boolean | null
}

/** null: there is nothing to be read. A tool may be handed what is almost JSON, as a text. */
export const readReview = (input: unknown, text: string): ReadReview | null => {
  const said = withoutThoughts(text)
  const handed = typeof input === 'string' ? fromJson(input) : fromObject(input)
  return handed ?? fromJson(said) ?? fromWords(said)
}

const fromObject = (value: unknown): ReadReview | null => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const { is_bug, summary, metric, lower_is_better } = value as Record<string, unknown>
  if (is_bug === undefined && metric === undefined) return null
  return {
    isBug: booleanOf(is_bug) ?? false,
    summary: typeof summary === 'string' ? summary : '',
    metric: numberOf(metric),
    lowerIsBetter: booleanOf(lower_is_better),
  }
}

/** Integers and texts are numbers too; NaN stays what it is. */
const numberOf = (value: unknown): number | null => {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return null
  const text = value.trim()
  if (/^nan$/i.test(text)) return Number.NaN
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  const percent = /^([+-]?[\d.]+(?:e[+-]?\d+)?)\s*%$/i.exec(text)
  if (percent) return Number(percent[1]) / 100
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : null
}

const booleanOf = (value: unknown): boolean | null => {
  if (typeof value === 'boolean') return value
  const text = typeof value === 'string' ? value.trim().toLowerCase() : ''
  return text === 'true' || text === 'false' ? text === 'true' : null
}

/** The last object that is a review: what comes before is often the format, said back. */
const fromJson = (text: string): ReadReview | null => {
  for (const object of objectsIn(text).reverse()) {
    const review = fromObject(object)
    if (review) return review
  }
  return null
}

/** Every `{...}` of the text that can be read, outermost ones only. */
const objectsIn = (text: string): unknown[] => {
  const found: unknown[] = []
  for (let start = text.indexOf('{'); start >= 0;) {
    const end = endOf(text, start)
    const object = end === null ? undefined : parsed(text.slice(start, end))
    if (object !== undefined) found.push(object)
    start = text.indexOf('{', object === undefined ? start + 1 : (end as number))
  }
  return found
}

/** Behind the brace that closes the one at `start`: those in strings do not count. */
const endOf = (text: string, start: number): number | null => {
  let depth = 0
  for (const { 0: sign, index } of text.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|[{}]/gs)) {
    if (sign === '{') depth++
    if (sign === '}' && --depth === 0) return start + index + 1
  }
  return null
}

const outsideStrings = /"(?:[^"\\]|\\.)*"|-?\b(?:Infinity|NaN)\b|\b(?:True|False|None)\b/gs

const inJson: Readonly<Record<string, string>> = { True: 'true', False: 'false', None: 'null' }

/** Python's way of saying it is taken as well, and numbers that JSON cannot say. */
const parsed = (text: string): unknown => {
  const json = text.replace(outsideStrings, (word) =>
    word.startsWith('"') ? word : (inJson[word] ?? `"${word}"`),
  )
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

const number = String.raw`([+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|nan\b|inf(?:inity)?\b)(?:\s*%)?)`
/** `Validation metric (accuracy): 0.91`, `the metric is 0.91`: never a number further away. */
const metricWords = new RegExp(
  String.raw`\bmetric\b["'*\`]*(?:\s+(?:value|score)|\s*\([^()\n]{0,40}\))?["'*\`]*` +
    String.raw`\s*(?:is|was|of|:|=)[\s"'*\`]*${number}`,
  'gi',
)

const fromWords = (text: string): ReadReview | null => {
  const metric = [...text.matchAll(metricWords)].at(-1)?.[1]
  const bug = /\bis_bug\b\W{0,5}(true|false)/i.exec(text)?.[1]
  if (metric === undefined && bug === undefined) return null
  const better = /\b(lower|higher)[ _](?:values are|is)[ _]better\b(?:["'*`:=\s]{1,5}(false))?/i
  const direction = better.exec(text)
  return {
    isBug: bug?.toLowerCase() === 'true',
    summary: text.trim().slice(0, 1000),
    metric: numberOf(metric),
    lowerIsBetter: direction
      ? (direction[1]?.toLowerCase() === 'lower') === (direction[2] === undefined)
      : null,
  }
}
