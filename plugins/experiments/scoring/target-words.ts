/** Finds the column that a sentence asks to predict. */
import type { ColumnSummary } from '../data/preview.ts'

/** `SalePrice`, `sale_price` and `sale prices` are the same words. */
export const wordsOf = (text: string): string[] =>
  text
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')

/** `survived`, `survival` and `survive` are alike; so are `price` and `prices`. */
const stem = (word: string): string => {
  if (word.length < 5) return word.replace(/(?<=.{3})s$/, '')
  const short = word.replace(/(ations?|ings?|ions?|als?|ers?|ed|es|s|e|y|ies)$/, '')
  return short.length >= 3 ? short : word
}

const stems = (text: string): string[] => wordsOf(text).map(stem)

const askingWords = [
  String.raw`(?:predict|forecast|estimat|classif|detect|regress|determin|identif|infer|rank)\w*`,
  'model(?:l?ing)?|outcome|dependent variable',
  'target(?: column| variable)?|label(?: column)?',
]
const asks = new RegExp(String.raw`\b(?:${askingWords.join('|')})\b`, 'gi')
/** What follows these words tells from what it is predicted, or how it is measured. */
const ends = /[.;!?\n]|\b(from|using|based on|given|with|via|evaluat\w*|measur\w*|scored)\b/i

/** The texts behind "predict" and the like. */
const objectsOf = (text: string): string[] =>
  [...text.matchAll(asks)].map((match) => {
    const behind = text.slice(match.index + match[0].length, match.index + 200)
    // A dot or colon directly behind the word belongs to it: "Target: price".
    const trimmed = behind.replace(/^[\s:=-]+/, '')
    const end = trimmed.search(ends)
    return end < 0 ? trimmed : trimmed.slice(0, end)
  })

export interface FoundTarget {
  readonly column: string
  /** 1: its whole name is what is asked for. */
  readonly certainty: number
}

/** The column that fits best, or null when none does, or two do equally well. */
export const targetIn = (text: string, columns: readonly ColumnSummary[]): FoundTarget | null => {
  const objects = objectsOf(text).map(stems)
  const quoted = [...text.matchAll(/[`'"“”]([^`'"“”\n]{1,100})[`'"“”]/g)].map((m) => m[1]!.trim())
  const scored = columns
    .map(({ name }) => ({ column: name, certainty: certaintyOf(name, objects, quoted) }))
    .filter(({ certainty }) => certainty > 0)
    .sort((a, b) => b.certainty - a.certainty)
  const [first, second] = scored
  return first && first.certainty > (second?.certainty ?? 0) ? first : null
}

const certaintyOf = (
  name: string,
  objects: readonly (readonly string[])[],
  quoted: readonly string[],
): number => {
  const words = stems(name)
  if (words.length === 0) return 0
  let best = 0
  objects.forEach((object, nth) => {
    const at = words.every((word) => small.has(word)) ? -1 : indexOfRun(object, words)
    // Of several that are named, the first mention of the longest name counts.
    const early = 0.01 / (1 + nth) + 0.02 / (1 + Math.max(0, at))
    if (at >= 0) best = Math.max(best, 0.9 + 0.01 * Math.min(3, words.length) + early)
    // An id is asked for by its whole name or not at all.
    if (words.at(-1) === 'id') return
    // The last word is what it is; those before tell which: the price of SalePrice.
    if (!object.some((word) => isMeant(words.at(-1)!, word))) return
    const met = words.filter((word) => object.some((other) => isMeant(word, other))).length
    best = Math.max(best, 0.5 * (met / words.length) + early)
  })
  const isQuoted = quoted.includes(name)
  return isQuoted ? Math.max(best + 0.5, 0.6) : best
}

/** Words of a name are often cut short: `val` is `value`. */
const isMeant = (word: string, said: string): boolean =>
  word.length > 2 && (word === said || (said.length > word.length && said.startsWith(word)))

/** A column of such a name is meant only where it is quoted. */
const small = new Set('a an and as at by for i if in is it of on or the to'.split(' '))

const indexOfRun = (words: readonly string[], run: readonly string[]): number =>
  words.findIndex((_, at) => run.every((word, i) => words[at + i] === word))

/** Names that a target has when nobody says which it is, the surest first. */
const usual = [
  'target',
  'label',
  'labels',
  'class',
  'y',
  'outcome',
  'response',
  'ground truth',
  'diagnosis',
  'is fraud',
  'churn',
  'survived',
]

export const usualTarget = (columns: readonly ColumnSummary[]): string | null => {
  for (const name of usual) {
    const found = columns.find((column) => wordsOf(column.name).join(' ') === name)
    if (found) return found.name
  }
  return null
}
