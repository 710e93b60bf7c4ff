/** Reads CSV files of metrics: ours, TensorBoard's, Lightning's, pandas', a spreadsheet's. */
import { type Layout, layoutOf, type Reading, rowPoints } from './layout.ts'
import { type ImportedPoint, refused } from './point.ts'
import { text } from './text.ts'

const maxRowLength = 1024 * 1024
const maxColumns = 10_000

/** Yields the points of a table whose first row names the columns. */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  reading: Reading,
): AsyncGenerator<ImportedPoint> {
  let layout: Layout | undefined
  let width = 0
  let index = 0
  for await (const { cells, line } of csvRows(text(chunks))) {
    const place = `line ${line}`
    if (!layout) {
      width = cells.length
      if (width > maxColumns) throw refused(place, `it has more than ${maxColumns} columns`)
      layout = layoutOf(cells)
      if (!layout.long && layout.metrics.length === 0) {
        throw refused(place, 'no column holds a metric (the first line must name the columns)')
      }
    } else if (cells.length > width) {
      throw refused(place, `it has ${cells.length} cells, and the first line ${width}`)
    } else if (cells.length > 1 || cells[0] !== '') {
      yield* rowPoints(layout, { cells, index, place }, reading)
      index++
    }
  }
}

interface CsvRow {
  readonly cells: readonly string[]
  /** Number of its first line, from 1. */
  readonly line: number
}

/** RFC 4180, in pieces as they come; the commonest of `,`, `;` and tab at the top delimits. */
async function* csvRows(pieces: AsyncIterable<string>): AsyncGenerator<CsvRow> {
  const splitter = new Splitter()
  for await (const piece of pieces) yield* splitter.push(piece)
  yield* splitter.end()
}

class Splitter {
  #delimiter = ''
  #rest = ''
  #line = 1

  push(piece: string): CsvRow[] {
    this.#rest += piece
    const rows: CsvRow[] = []
    let start = 0
    for (;;) {
      const end = endOfRow(this.#rest, start)
      if (end < 0) break
      rows.push(this.#row(this.#rest.slice(start, end)))
      start = end + 1
    }
    this.#rest = this.#rest.slice(start)
    if (this.#rest.length > maxRowLength) {
      throw refused(`line ${this.#line}`, `it is longer than ${maxRowLength} characters`)
    }
    return rows
  }

  end(): CsvRow[] {
    return this.#rest === '' ? [] : [this.#row(this.#rest)]
  }

  #row(raw: string): CsvRow {
    const row = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    this.#delimiter ||= delimiterOf(row)
    const line = this.#line
    this.#line += raw.split('\n').length
    return { cells: cellsOf(row, this.#delimiter, line), line }
  }
}

/** Index of the line feed that ends the row at `start`; those within quotes do not. */
const endOfRow = (source: string, start: number): number => {
  let from = start
  for (;;) {
    const feed = source.indexOf('\n', from)
    if (feed < 0) return -1
    const quote = source.indexOf('"', from)
    if (quote < 0 || quote > feed) return feed
    const close = source.indexOf('"', quote + 1)
    if (close < 0) return -1
    from = close + 1
  }
}

const delimiterOf = (row: string): string => {
  const bare = row.replace(/"[^"]*"/g, '')
  const count = (delimiter: string): number => bare.split(delimiter).length
  return [',', ';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best))
}

const cellsOf = (row: string, delimiter: string, line: number): string[] => {
  if (!row.includes('"')) return row.split(delimiter)
  const cells: string[] = []
  let at = 0
  for (;;) {
    if (row[at] === '"') {
      const [cell, end] = quotedCell(row, at, line)
      cells.push(cell)
      if (end < row.length && row[end] !== delimiter) {
        throw refused(`line ${line}`, 'text follows a closing quote')
      }
      at = end
    } else {
      const next = row.indexOf(delimiter, at)
      const end = next < 0 ? row.length : next
      cells.push(row.slice(at, end))
      at = end
    }
    if (at >= row.length) return cells
    at++
  }
}

/** The text between quotes, a doubled quote being one of it, and the index after the last quote. */
const quotedCell = (row: string, start: number, line: number): [string, number] => {
  let cell = ''
  let at = start + 1
  for (;;) {
    const quote = row.indexOf('"', at)
    if (quote < 0) throw refused(`line ${line}`, 'a quote is never closed')
    cell += row.slice(at, quote)
    if (row[quote + 1] !== '"') return [cell, quote + 1]
    cell += '"'
    at = quote + 2
  }
}
