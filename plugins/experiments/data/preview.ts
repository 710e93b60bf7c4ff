/** What proposers are told of the data. */
import type { Blobs } from '../../../src/sdk.ts'
import type { KeptFile } from '../journal/node.ts'
import { describeFile, type FileDescription } from './describe-file.ts'
import { fileTree } from './file-tree.ts'

export interface ColumnSummary {
  readonly name: string
  readonly kind: 'number' | 'integer' | 'boolean' | 'category' | 'date' | 'text' | 'empty'
  readonly missing: number
  /** Exact up to 10,000, a lower bound beyond. */
  readonly unique: number
  /** Of numbers. */
  readonly min: number | null
  readonly max: number | null
  /** Most frequent values first. */
  readonly top: readonly string[]
}

export interface TableSummary {
  readonly path: string
  readonly rows: number
  readonly columns: readonly ColumnSummary[]
}

export interface DataPreview {
  /** Markdown for a model: file tree, then a summary for each file; at most 6,000 characters. */
  readonly text: string
  readonly tables: readonly TableSummary[]
}

/** Longer than this, the short form of each file is taken. */
const maxLength = 6000

export interface PreviewOptions {
  readonly blobs: Blobs
  /** What else is known of the data, a sentence each. */
  readonly notes?: readonly string[]
}

/** Of the files that programs see, and of nothing else. */
export const previewOf = async (
  files: readonly KeptFile[],
  { blobs, notes = [] }: PreviewOptions,
): Promise<DataPreview> => {
  const described: FileDescription[] = []
  for (const file of files) described.push(await describeFile(blobs, file))
  const tables = described.flatMap(({ table }) => (table ? [table] : []))
  const text = (form: 'full' | 'simple') =>
    [
      inFence(fileTree(files)),
      ...described.filter((one) => one[form] !== '').map((one) => `### ${one.path}\n${one[form]}`),
      ...notes.map((note) => `Note: ${note}`),
    ].join('\n\n')
  const full = text('full')
  return { text: full.length <= maxLength ? full : shortened(text('simple')), tables }
}

const inFence = (tree: string): string => `\`\`\`\n${tree}\n\`\`\``

const shortened = (text: string): string =>
  text.length <= maxLength ? text : `${text.slice(0, maxLength - 20)}\n... (shortened)`
