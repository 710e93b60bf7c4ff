/** What a field of a table means: missing, a number, or text. */

/** What pandas reads as missing, so that the server and programs agree on it. */
const missingWords = new Set([
  '',
  '#N/A',
  '#N/A N/A',
  '#NA',
  '-1.#IND',
  '-1.#QNAN',
  '-NaN',
  '-nan',
  '1.#IND',
  '1.#QNAN',
  '<NA>',
  'N/A',
  'NA',
  'NULL',
  'NaN',
  'None',
  'n/a',
  'nan',
  'null',
])

export const isMissing = (field: string): boolean =>
  field.length < 9 && (missingWords.has(field) || missingWords.has(field.trim()))

const numberPattern = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

/** NaN for what is no number. Hexadecimal and the like are no numbers here, as in pandas. */
export const numberIn = (field: string): number => {
  const text = field.trim()
  if (numberPattern.test(text)) return Number(text)
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  return Number.NaN
}

const booleanWords = new Set(['true', 'false'])
export const isBoolean = (field: string): boolean => booleanWords.has(field.trim().toLowerCase())

/** One spelling for what a program that read and wrote it may have changed: `1.0`, `1`, ` 1`. */
export const canonical = (field: string): string => {
  const number = numberIn(field)
  return Number.isNaN(number) ? field.trim() : String(number + 0)
}
