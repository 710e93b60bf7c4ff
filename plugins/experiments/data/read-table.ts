/** Reads a table from a stream of bytes, row by row, without holding up requests. */
import {
  CsvError,
  type CsvParser,
  csvParser,
  type Delimiter,
  type Row,
  sniffDelimiter,
} from './csv.ts'
import { pace } from './pace.ts'

export interface TableStream {
  readonly delimiter: Delimiter
  /** Names as they are; empty and repeated ones made distinct the way pandas does. */
  readonly columns: readonly string[]
  /** Exactly as wide as the header: short rows are filled with empty fields, long ones cut. */
  readonly batches: AsyncIterable<readonly Row[]>
  /** Rows whose width was not that of the header, counted so far. */
  raggedRows(): number
}

const sampleLength = 65_536
/** A chunk may be megabytes; pieces of it keep each turn short. */
const pieceLength = 16_384
const maxColumns = 20_000

/** @throws CsvError for bytes that are no text, and for text that is no table */
export const readTable = async (bytes: ReadableStream<Uint8Array>): Promise<TableStream> => {
  const texts = decode(bytes)
  let sample = ''
  while (sample.length < sampleLength) {
    const next = await texts.next()
    if (next.done === true) break
    sample += next.value
  }
  if (sample.includes('\0')) {
    await texts.return()
    throw new CsvError('The file is not text')
  }
  const lastBreak = sample.lastIndexOf('\n', sampleLength)
  const delimiter = sniffDelimiter(lastBreak > 0 ? sample.slice(0, lastBreak + 1) : sample)
  const parser = csvParser(delimiter)
  const first = [...parser.push(sample)]
  const header = first.shift() ?? (await headerBeyond(texts, parser, first))
  if (header.length > maxColumns) {
    await texts.return()
    throw new CsvError(`The table has more than ${maxColumns} columns`)
  }
  const columns = distinct(header)
  let ragged = 0
  const fit = (row: Row): Row => {
    if (row.length === columns.length) return row
    ragged++
    return columns.map((_, index) => row[index] ?? '')
  }
  return {
    delimiter,
    columns,
    raggedRows: () => ragged,
    batches: (async function* () {
      const steps = pace()
      try {
        yield first.map(fit)
        await steps.turn()
        for await (const text of texts) {
          yield parser.push(text).map(fit)
          await steps.turn()
        }
        yield parser.end().map(fit)
      } finally {
        await texts.return()
      }
    })(),
  }
}

/** A header that is longer than the sample, or all there is. */
const headerBeyond = async (
  texts: AsyncGenerator<string, void>,
  parser: CsvParser,
  rows: Row[],
): Promise<Row> => {
  for await (const text of { [Symbol.asyncIterator]: () => ({ next: () => texts.next() }) }) {
    rows.push(...parser.push(text))
    const header = rows.shift()
    if (header) return header
  }
  return parser.end()[0] ?? []
}

async function* decode(bytes: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  // A byte order mark is dropped by the decoder; bytes that are not UTF-8 become U+FFFD.
  const decoder = new TextDecoder()
  for await (const chunk of bytes) {
    const text = decoder.decode(chunk, { stream: true })
    for (let at = 0; at < text.length; at += pieceLength) yield text.slice(at, at + pieceLength)
  }
  const last = decoder.decode()
  if (last !== '') yield last
}

/** `a, a, ''` becomes `a, a.1, Unnamed: 2`: names that programs will find too. */
export const distinct = (header: Row): string[] => {
  const taken = new Set<string>()
  const counts = new Map<string, number>()
  return header.map((given, index) => {
    const base = given === '' ? `Unnamed: ${index}` : given
    let name = base
    while (taken.has(name)) {
      const count = (counts.get(base) ?? 0) + 1
      counts.set(base, count)
      name = `${base}.${count}`
    }
    taken.add(name)
    return name
  })
}

/** Whether a file of this name is read as a table. */
export const isTableName = (path: string): boolean => /\.(csv|tsv|tab)$/i.test(path)
