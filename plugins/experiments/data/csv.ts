/** Tables as text: rows out of CSV and TSV as they arrive, and rows back into text. */

export type Row = readonly string[]

export const delimiters = [',', '\t', ';', '|'] as const
export type Delimiter = (typeof delimiters)[number]

/** A field longer than this means a quote that never closes, or no table at all. */
const maxFieldLength = 4_000_000

export class CsvError extends Error {
  override readonly name = 'CsvError'
}

export interface CsvParser {
  /** The rows that are whole by now. Blank lines are no rows. */
  push(text: string): Row[]
  /** The last row, when the text did not end with a line break. */
  end(): Row[]
}

/** RFC 4180, and what is met in its place: LF or CR alone, text behind a quote, no last break. */
export const csvParser = (delimiter: string): CsvParser => {
  const comma = delimiter.charCodeAt(0)
  let rest = ''
  let quoted = false
  /** A row that is not whole yet: its finished fields, and the beginning of the next. */
  let fields: string[] = []
  let field = ''
  /** It had quotes: `""` alone is a row of one empty field, and no blank line. */
  let hadQuotes = false

  const parse = (text: string, isLast: boolean): Row[] => {
    const rows: Row[] = []
    let at = 0
    const endRow = () => {
      fields.push(field)
      if (fields.length > 1 || field !== '' || hadQuotes) rows.push(fields)
      fields = []
      field = ''
      hadQuotes = false
    }
    while (at < text.length) {
      if (quoted) {
        const quote = text.indexOf('"', at)
        const end = quote < 0 ? text.length : quote
        field += text.slice(at, end)
        if (field.length > maxFieldLength) throw new CsvError('A quoted field never ends')
        if (quote < 0) break
        // Whether the quote is doubled is known only with the character behind it.
        if (quote + 1 === text.length && !isLast) return keep(rows, text.slice(quote))
        if (text.charCodeAt(quote + 1) === 34) field += '"'
        else quoted = false
        at = quote + (quoted ? 2 : 1)
        continue
      }
      if (field === '' && text.charCodeAt(at) === 34) {
        quoted = true
        hadQuotes = true
        at++
        continue
      }
      let end = at
      let code = 0
      for (; end < text.length; end++) {
        code = text.charCodeAt(end)
        if (code === comma || code === 10 || code === 13) break
      }
      field += text.slice(at, end)
      if (field.length > maxFieldLength) throw new CsvError('A line is too long for a table')
      if (end === text.length) break
      if (code === comma) {
        fields.push(field)
        field = ''
      } else {
        if (code === 13 && end + 1 === text.length && !isLast) return keep(rows, '\r')
        endRow()
        if (code === 13 && text.charCodeAt(end + 1) === 10) end++
      }
      at = end + 1
    }
    if (isLast && (fields.length > 0 || field !== '' || hadQuotes)) endRow()
    rest = ''
    return rows
  }

  const keep = (rows: Row[], tail: string): Row[] => {
    rest = tail
    return rows
  }

  return {
    push: (text) => parse(rest + text, false),
    end: () => parse(rest, true),
  }
}

/** The delimiter that divides the first lines most evenly; a comma when none does. */
export const sniffDelimiter = (sample: string): Delimiter => {
  const scores = delimiters.map((delimiter) => {
    const rows = csvParser(delimiter).push(sample.endsWith('\n') ? sample : `${sample}\n`)
    const widths = rows.slice(0, 50).map((row) => row.length)
    const first = widths[0] ?? 1
    const even = widths.filter((width) => width === first).length / Math.max(1, widths.length)
    return first > 1 ? even * 1000 + Math.min(first, 999) : 0
  })
  const best = Math.max(...scores)
  return best === 0 ? ',' : (delimiters[scores.indexOf(best)] ?? ',')
}

const needsQuotes = /["\r\n]/

/** One line of text, its break included. */
export const csvLine = (row: Row, delimiter: string = ','): string => {
  let line = ''
  for (let i = 0; i < row.length; i++) {
    const field = row[i]!
    if (i > 0) line += delimiter
    line +=
      field.includes(delimiter) || needsQuotes.test(field)
        ? `"${field.replaceAll('"', '""')}"`
        : field
  }
  // A lone empty field would read back as a blank line.
  return line === '' && row.length === 1 ? '""\n' : `${line}\n`
}
