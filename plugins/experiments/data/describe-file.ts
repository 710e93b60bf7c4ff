/** Describes one file in Markdown: a table by its columns, JSON by its shape, or short text. */
import type { Blobs } from '../../../src/sdk.ts'
import type { KeptFile } from '../journal/node.ts'
import { CsvError } from './csv.ts'
import { jsonShape } from './json-shape.ts'
import type { ColumnSummary, TableSummary } from './preview.ts'
import { isTableName } from './read-table.ts'
import { summariseTable } from './summary.ts'

export interface FileDescription {
  readonly path: string
  readonly table: TableSummary | null
  /** Without the name of the file; empty: nothing to say. */
  readonly full: string
  readonly simple: string
}

const textName = /\.(txt|md|rst|json|jsonl|ndjson|ya?ml|toml|ini|cfg|py|r|sql|xml|html)$/i
const maxInlineLines = 30
const maxInlineLength = 3000
/** A larger document is not parsed to find its shape. */
const maxJsonBytes = 5_000_000

export const describeFile = async (blobs: Blobs, file: KeptFile): Promise<FileDescription> => {
  const { path } = file
  if (isTableName(path)) {
    const table = await tableOf(blobs, file)
    if (table) return { path, table, full: fullTable(table), simple: simpleTable(table) }
  }
  const text = textName.test(path) ? await textOf(blobs, file) : null
  if (text === null) return { path, table: null, full: '', simple: '' }
  return { path, table: null, full: text, simple: text.slice(0, 300) }
}

const tableOf = async (blobs: Blobs, file: KeptFile): Promise<TableSummary | null> => {
  const bytes = await blobs.get(file.sha256)
  if (!bytes) return null
  try {
    return await summariseTable(file.path, bytes)
  } catch (error) {
    if (error instanceof CsvError) return null
    throw error
  }
}

const sizeOf = ({ rows, columns }: TableSummary): string =>
  `${rows} rows and ${columns.length} columns.`

const simpleTable = (table: TableSummary): string => {
  const names = table.columns.slice(0, 15).map(({ name }) => cut(name, 60))
  const more = table.columns.length - names.length
  const rest = more > 0 ? ` and ${more} more` : ''
  return `${sizeOf(table)} Columns: ${names.join(', ')}${rest}.`
}

const fullTable = (table: TableSummary): string =>
  [sizeOf(table), ...table.columns.map((column) => columnLine(column, table.rows))].join('\n')

const columnLine = (column: ColumnSummary, rows: number): string => {
  const { name, kind, missing, unique, min, max } = column
  const parts = [kind as string]
  if (kind === 'number' || kind === 'integer')
    parts.push(`${shortNumber(min)} to ${shortNumber(max)}`)
  if (kind !== 'empty') parts.push(`${unique >= 10_000 ? 'at least ' : ''}${unique} different`)
  if (missing > 0) parts.push(`${missing} missing (${Math.round((missing / rows) * 100)} %)`)
  const examples = examplesOf(column)
  if (examples !== '') parts.push(examples)
  return `- ${cut(name, 80)}: ${parts.join(', ')}`
}

const examplesOf = ({ kind, unique, top }: ColumnSummary): string => {
  const isNumber = kind === 'number' || kind === 'integer'
  if (kind === 'empty' || (isNumber && unique >= 10)) return ''
  const shown = top.slice(0, unique < 10 ? 9 : 4).map((value) => JSON.stringify(cut(value, 40)))
  return `${unique < 10 ? 'values' : 'for instance'} ${shown.join(' ')}`
}

const shortNumber = (value: number | null): string =>
  value === null ? '' : String(Number(value.toPrecision(5)))

const cut = (text: string, length: number): string => {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length > length ? `${line.slice(0, length - 1)}…` : line
}

const textOf = async (blobs: Blobs, file: KeptFile): Promise<string | null> => {
  const isJson = /\.json$/i.test(file.path)
  const isLines = /\.(jsonl|ndjson)$/i.test(file.path)
  if (file.sizeBytes > maxJsonBytes && isJson) return null
  const bytes = await blobs.get(file.sha256, { start: 0, end: maxJsonBytes })
  if (!bytes) return null
  const text = await new Response(bytes).text()
  if (text.includes('\0')) return null
  const isShort = text.length <= maxInlineLength && text.split('\n').length < maxInlineLines
  if (isShort && file.sizeBytes <= maxJsonBytes) return fenced(text)
  if (isJson) return shapeText(() => JSON.parse(text))
  const lines = text.split('\n').slice(0, 100)
  if (!isLines) return null
  return shapeText(() => lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line)))
}

const shapeText = (read: () => unknown): string | null => {
  try {
    return `JSON of the shape ${jsonShape(read()).slice(0, maxInlineLength)}`
  } catch {
    return null
  }
}

/** A fence that the text itself does not have. */
const fenced = (text: string): string => {
  const ticks = text.match(/`{3,}/g)?.reduce((a, b) => (b.length > a.length ? b : a)) ?? '``'
  const fence = '`'.repeat(Math.max(3, ticks.length + 1))
  return `${fence}\n${text.trimEnd()}\n${fence}`
}
