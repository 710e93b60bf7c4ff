/** Reads a review out of whatever a model made of it: a call, JSON in text, or just words. */

export interface ReadReview {
  readonly isBug: boolean
  readonly summary: string
  readonly metric: number | null
  readonly lowerIsBetter: boolean | null
}

/** null: there is nothing to be read. */
export const readReview = (input: unknown, text: string): ReadReview | null =>
  fromObject(input) ?? fromObject(jsonIn(text)) ?? fromWords(text)

const fromObject = (value: unknown): ReadReview | null => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const { is_bug, summary, metric, lower_is_better } = value as Record<string, unknown>
  if (is_bug === undefined && metric === undefined) return null
  return {
    isBug: is_bug === true || is_bug === 'true',
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
  if (value === 'true' || value === 'false') return value === 'true'
  return null
}

/** The last object that is balanced and can be read. */
const jsonIn = (text: string): unknown => {
  for (let start = text.lastIndexOf('{'); start >= 0; start = text.lastIndexOf('{', start - 1)) {
    const end = text.indexOf('}', start)
    if (end < 0) continue
    try {
      // Python's way of saying it is taken as well.
      const json = text
        .slice(start, end + 1)
        .replace(/\bTrue\b/g, 'true')
        .replace(/\bFalse\b/g, 'false')
        .replace(/\bNone\b/g, 'null')
        .replace(/\b(-?Infinity|NaN)\b/g, '"$1"')
      return JSON.parse(json)
    } catch {
      if (start === 0) return null
    }
  }
  return null
}

const fromWords = (text: string): ReadReview | null => {
  const metric = /\bmetric\b[^\d+\-\n]{0,40}([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/i.exec(text)?.[1]
  const bug = /\bis_bug\b\W{0,5}(true|false)/i.exec(text)?.[1]
  if (metric === undefined && bug === undefined) return null
  const lower = /\blower[ _]is[ _]better\b\W{0,5}(true|false)?/i.exec(text)
  return {
    isBug: bug?.toLowerCase() === 'true',
    summary: text.trim().slice(0, 1000),
    metric: metric === undefined ? null : Number(metric),
    lowerIsBetter: lower ? lower[1]?.toLowerCase() !== 'false' : null,
  }
}
