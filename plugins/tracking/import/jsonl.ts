/** Reads files of one JSON object a line: ours, W&B's history, Hugging Face's trainer logs. */
import { HearthError } from '../../../src/sdk.ts'
import { parseJson } from '../numbers.ts'
import { type Layout, layoutOf, type Reading, rowPoints } from './layout.ts'
import { type ImportedPoint, refused } from './point.ts'
import { text } from './text.ts'

const maxLineLength = 1024 * 1024

/** Yields the points of objects like `{"step": 1, "loss": 0.5}` or `{"name": .., "value": ..}`. */
export async function* readJsonl(
  chunks: AsyncIterable<Uint8Array>,
  reading: Reading,
): AsyncGenerator<ImportedPoint> {
  let keys = ''
  let layout: Layout | undefined
  let index = 0
  for await (const { source, place } of lines(text(chunks))) {
    const object = readObject(source, place)
    const names = Object.keys(object)
    // Lines of a file are alike: what their keys mean is found out once.
    const joined = names.join('\n')
    if (!layout || joined !== keys) layout = layoutOf(names)
    keys = joined
    yield* rowPoints(layout, { cells: Object.values(object), index, place }, reading)
    index++
  }
}

const readObject = (source: string, place: string): object => {
  let value: unknown
  try {
    value = parseJson(source)
  } catch (error) {
    throw error instanceof HearthError ? refused(place, 'it is not valid JSON') : error
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw refused(place, 'it is not a JSON object')
}

interface Line {
  readonly source: string
  readonly place: string
}

/** The lines that are not blank. */
async function* lines(pieces: AsyncIterable<string>): AsyncGenerator<Line> {
  let rest = ''
  let number = 0
  for await (const piece of pieces) {
    const parts = (rest + piece).split('\n')
    rest = parts.pop() ?? ''
    for (const source of parts) {
      number++
      if (source.trim() !== '') yield { source, place: `line ${number}` }
    }
    if (rest.length > maxLineLength) {
      throw refused(`line ${number + 1}`, `it is longer than ${maxLineLength} characters`)
    }
  }
  if (rest.trim() !== '') yield { source: rest, place: `line ${number + 1}` }
}
