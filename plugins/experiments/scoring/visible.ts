/** Decides which other uploaded files programs may see: none that tells what is hidden. */
import type { Blobs } from '../../../src/sdk.ts'
import { canonical } from '../data/cell.ts'
import { CsvError, type Row } from '../data/csv.ts'
import { pace, paced } from '../data/pace.ts'
import { isTableName, readTable } from '../data/read-table.ts'
import type { KeptFile } from '../journal/node.ts'
import type { RowStore } from './row-store.ts'

/** What the hidden rows say, target included. */
export interface HiddenRows {
  readonly table: KeptFile
  readonly columns: readonly string[]
  readonly target: string
  readonly rows: RowStore
}

/** Names that the server gives its own files in `./input`. */
export const ownNames = ['test.csv', 'sample_submission.csv'] as const

const archive = /\.(zip|gz|tgz|tar|bz2|xz|7z|zst|rar)$/i

export interface VisibleFiles {
  readonly files: readonly KeptFile[]
  readonly notes: readonly string[]
}

export const visibleFiles = async (
  blobs: Blobs,
  others: readonly KeptFile[],
  hidden: HiddenRows,
): Promise<VisibleFiles> => {
  const files: KeptFile[] = []
  const notes: string[] = []
  const taken = new Set<string>([hidden.table.path, ...ownNames, ...others.map((f) => f.path)])
  for (const file of others) {
    const reason = await whyWithheld(blobs, file, hidden)
    if (reason !== null) {
      notes.push(`${file.path} is kept from programs: ${reason}.`)
      continue
    }
    const path = ownNames.some((name) => name === file.path) ? renamed(file.path, taken) : file.path
    if (path !== file.path) notes.push(`The uploaded ${file.path} is ${path} for programs.`)
    files.push({ ...file, path })
  }
  return { files, notes }
}

const renamed = (path: string, taken: Set<string>): string => {
  let name = `uploaded_${path}`
  for (let n = 2; taken.has(name); n++) name = `uploaded${n}_${path}`
  taken.add(name)
  return name
}

const stem = (path: string): string =>
  path.slice(path.lastIndexOf('/') + 1).replace(/(\.[A-Za-z0-9]{1,8}){1,2}$/, '')

const whyWithheld = async (
  blobs: Blobs,
  file: KeptFile,
  hidden: HiddenRows,
): Promise<string | null> => {
  const { table } = hidden
  if (file.sha256 === table.sha256) return `it is ${table.path} under another name`
  if (archive.test(file.path)) return `an archive may hold the rows to predict`
  if (isTableName(file.path)) {
    const share = await overlap(blobs, file, hidden)
    if (share > 0.01) return `it holds ${Math.ceil(share * 100)} % of the rows to predict`
    return null
  }
  if (stem(file.path).toLowerCase() === stem(table.path).toLowerCase()) {
    return `it seems to be another form of ${table.path}`
  }
  if (/\.(json|jsonl|ndjson)$/i.test(file.path)) {
    const records = await recordsNaming(blobs, file, hidden.target)
    const tells = records > 10 && records > hidden.rows.length / 100
    if (tells) return `it names "${hidden.target}" ${records} times`
  }
  return null
}

/** Share of hidden rows that a table tells the target of. */
const overlap = async (blobs: Blobs, file: KeptFile, hidden: HiddenRows): Promise<number> => {
  const bytes = await blobs.get(file.sha256)
  if (!bytes) return 0
  try {
    const table = await readTable(bytes)
    const shared = table.columns.filter((column) => hidden.columns.includes(column))
    const tells = shared.includes(hidden.target) && shared.length > 1
    const keyOf = (columns: readonly string[]) => {
      const places = shared.map((column) => columns.indexOf(column))
      return (row: Row) => places.map((place) => canonical(row[place]!)).join('\u001f')
    }
    if (!tells) {
      await bytes.cancel().catch(() => undefined)
      return 0
    }
    const theirs = keyOf(table.columns)
    const ours = keyOf(hidden.columns)
    const wanted = new Set<string>()
    await paced(hidden.rows.length, (row) => wanted.add(ours(hidden.rows.at(row))))
    const met = new Set<string>()
    for await (const batch of table.batches) {
      for (const row of batch) {
        const key = theirs(row)
        if (wanted.has(key)) met.add(key)
      }
    }
    return met.size / Math.max(1, wanted.size)
  } catch (error) {
    if (error instanceof CsvError) return 0
    throw error
  }
}

/** How often JSON has the target as a key. */
const recordsNaming = async (blobs: Blobs, file: KeptFile, target: string): Promise<number> => {
  const bytes = await blobs.get(file.sha256)
  if (!bytes) return 0
  const key = JSON.stringify(target)
  const steps = pace()
  const decoder = new TextDecoder()
  let rest = ''
  let found = 0
  for await (const chunk of bytes) {
    for (let start = 0; start < chunk.length; start += 65_536) {
      const piece = chunk.subarray(start, start + 65_536)
      const text = rest + decoder.decode(piece, { stream: true })
      let from = 0
      for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, from)) {
        found++
        from = at + key.length
      }
      // A key may lie across two pieces.
      rest = text.slice(Math.max(from, text.length - key.length + 1))
      await steps.turn()
    }
  }
  return found
}
