/** Splits the uploaded table once, and writes what programs see and what only the server knows. */
import { type Blobs, HearthError } from '../../../src/sdk.ts'
import { CsvError, type Row } from '../data/csv.ts'
import { paced } from '../data/pace.ts'
import { readTable, type TableStream } from '../data/read-table.ts'
import type { KeptFile } from '../journal/node.ts'
import { metricOf } from './metrics.ts'
import { seededRandom, shuffledOrder } from './random.ts'
import type { InputFile, Prepared } from './referee.ts'
import { RowStore } from './row-store.ts'
import { columnOf, type ScoredRows, scoredRows } from './rows.ts'
import { splitRows } from './split.ts'
import type { Task } from './task.ts'
import { type Truth, truthLines } from './truth.ts'
import { type Twins, targetTwins } from './twins.ts'
import { ownNames, visibleFiles } from './visible.ts'
import { writeTable } from './write-file.ts'

const invalid = (message: string): HearthError => new HearthError('validation', message)

export const prepareSplit = async (
  blobs: Blobs,
  files: readonly InputFile[],
  task: Task,
  seed: number,
): Promise<Prepared> => {
  const source = files.find(({ path }) => path === task.table)
  if (!source) throw invalid(`There is no file "${task.table}" with the column to predict`)
  if (ownNames.some((name) => name === task.table)) {
    throw invalid(`"${task.table}" is the name of a file that the server makes: rename the table`)
  }
  const known = await scoredRows(await open(blobs, source), task)
  const part = await splitRows(known, seed)
  const counts = [0, 0, 0]
  for (const one of part) counts[one]! += 1
  if (counts.includes(0)) throw invalid(`The rows of "${task.table}" cannot be in three parts`)

  checkSize(task, counts[1]! + counts[2]!, known.classes.length)
  const table = await open(blobs, source)
  const target = columnOf(table, task.target)
  const hidden: Hidden = { rows: new RowStore(), known: [] }
  const twins = targetTwins(table.columns, target)
  const train = await writeTable(
    blobs,
    task.table,
    trainingRows(table, known, part, hidden, twins),
    table.delimiter,
  )

  // In no order that could tell a row's part or target.
  const order = await shuffledOrder(hidden.rows.length, seededRandom(seed + 1))
  const idColumn = task.id ?? freeName('row_id', table.columns)
  const truth = await truthOf(order, hidden, known, part, task)
  const submissionColumns = columnsOf(task, idColumn, known.classes)
  const others = await visibleFiles(
    blobs,
    files.filter(({ path }) => path !== task.table),
    { table: source, columns: table.columns, target: task.target, rows: hidden.rows },
  )
  const test = await writeTable(
    blobs,
    'test.csv',
    testRows(order, hidden, truth, table, target, task, idColumn),
  )
  const sample = await writeTable(
    blobs,
    'sample_submission.csv',
    sampleRows(submissionColumns, truth.ids, constantOf(task, known, part)),
  )
  return {
    visible: [train, test, sample, ...others.files],
    truth: await writeTable(blobs, 'truth.csv', truthLines(truth)),
    rows: { train: counts[0]!, search: counts[1]!, selection: counts[2]! },
    idColumn,
    submissionColumns,
    classes: known.classes,
    notes: [...hintsOf(twins, task), ...notesOf(table, known, task), ...others.notes],
  }
}

/** Probabilities that are held while a submission is scored. */
const maxProbabilities = 20_000_000

const checkSize = (task: Task, rows: number, classes: number): void => {
  if (metricOf(task.metric).needs !== 'probability' || rows * classes <= maxProbabilities) return
  const size = `${rows} rows to predict and ${classes} classes`
  throw invalid(`${task.metric} cannot be computed for ${size}: choose a metric of labels`)
}

const open = async (blobs: Blobs, file: KeptFile): Promise<TableStream> => {
  const bytes = await blobs.get(file.sha256)
  if (!bytes) throw invalid(`The bytes of "${file.path}" are gone`)
  try {
    return await readTable(bytes)
  } catch (error) {
    if (error instanceof CsvError) throw invalid(`"${file.path}" is no table: ${error.message}`)
    throw error
  }
}

interface Hidden {
  readonly rows: RowStore
  /** Places in `ScoredRows`. */
  readonly known: number[]
}

/** Yields the header and the rows to learn from; the others are collected on the way. */
async function* trainingRows(
  table: TableStream,
  known: ScoredRows,
  part: Uint8Array,
  hidden: Hidden,
  twins: Twins,
): AsyncGenerator<Row> {
  yield table.columns
  let row = 0
  let next = 0
  for await (const batch of table.batches) {
    for (const fields of batch) {
      if (known.places[next] !== row++) continue
      const place = next++
      if (part[place] === 0) {
        twins.add(fields)
        yield fields
      } else {
        hidden.rows.add(fields)
        hidden.known.push(place)
      }
    }
  }
}

const truthOf = async (
  order: Int32Array,
  hidden: Hidden,
  known: ScoredRows,
  part: Uint8Array,
  task: Task,
): Promise<Truth> => {
  const ids: string[] = []
  const isSelection = new Uint8Array(order.length)
  const target = new Float64Array(order.length)
  const groups = task.kind === 'ranking' ? new Int32Array(order.length) : null
  await paced(order.length, (row) => {
    const place = hidden.known[order[row]!]!
    ids.push(task.id === null ? String(row) : known.ids[place]!)
    isSelection[row] = part[place] === 2 ? 1 : 0
    target[row] = known.target[place]!
    if (groups && known.groups) groups[row] = known.groups[place]!
  })
  return { ids, isSelection, target, groups }
}

function* testRows(
  order: Int32Array,
  hidden: Hidden,
  truth: Truth,
  table: TableStream,
  target: number,
  task: Task,
  idColumn: string,
): Generator<Row> {
  const added = (id: string): string[] => (task.id === null ? [id] : [])
  yield [...added(idColumn), ...table.columns.toSpliced(target, 1)]
  for (let i = 0; i < order.length; i++) {
    yield [...added(truth.ids[i]!), ...hidden.rows.at(order[i]!).toSpliced(target, 1)]
  }
}

function* sampleRows(columns: readonly string[], ids: readonly string[], constant: Row) {
  yield columns
  for (const id of ids) yield [id, ...constant]
}

/** The id, then the target, or for probabilities of three or more classes a column for each. */
const columnsOf = (task: Task, id: string, classes: readonly string[]): string[] => {
  if (metricOf(task.metric).needs !== 'probability' || classes.length < 3) return [id, task.target]
  return [id, ...(classes.includes(id) ? classes.map((c) => `${task.target}_${c}`) : classes)]
}

/** What knows nothing but the training part's target: its mean, commonest class or shares. */
const constantOf = (task: Task, known: ScoredRows, part: Uint8Array): string[] => {
  const train = known.target.filter((_, place) => part[place] === 0)
  if (known.classes.length === 0) return [String(train.reduce((a, b) => a + b, 0) / train.length)]
  const counts = known.classes.map(() => 0)
  for (const place of train) counts[place]! += 1
  if (metricOf(task.metric).needs === 'label') {
    return [known.classes[counts.indexOf(Math.max(...counts))]!]
  }
  const shares = counts.map((count) => String(count / train.length))
  return known.classes.length === 2 ? [shares[1]!] : shares
}

const hintsOf = (twins: Twins, task: Task): string[] =>
  twins.found().map(({ column, isEqual }) => {
    const how = isEqual ? 'is equal to' : 'names one to one'
    return `Possible leak: in the training part, "${column}" ${how} the target "${task.target}".`
  })

const notesOf = (table: TableStream, known: ScoredRows, task: Task): string[] => {
  const notes: string[] = []
  const { withoutTarget } = known
  if (withoutTarget > 0) notes.push(`${withoutTarget} rows without "${task.target}" are left out.`)
  const ragged = table.raggedRows()
  if (ragged > 0) notes.push(`${ragged} rows of ${task.table} are not as wide as its header.`)
  return notes
}

const freeName = (name: string, taken: readonly string[]): string => {
  let free = name
  for (let n = 1; taken.includes(free); n++) free = `${name}_${n}`
  return free
}
