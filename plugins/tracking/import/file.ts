/** Brings the points of a file into a run, batch by batch, in constant memory. */
import { HearthError } from '../../../src/sdk.ts'
import { nameOf } from '../ingest.ts'
import type { PointStore, SeriesInput } from '../points/store.ts'
import { readCsv } from './csv.ts'
import { readJsonl } from './jsonl.ts'
import type { Reading } from './layout.ts'
import type { ImportedPoint } from './point.ts'
import { readTensorBoard } from './tensorboard.ts'

type Reader = (chunks: AsyncIterable<Uint8Array>, reading: Reading) => AsyncIterable<ImportedPoint>

export const readers: Readonly<Record<string, Reader>> = {
  tensorboard: readTensorBoard,
  csv: readCsv,
  jsonl: readJsonl,
}

export interface Imported {
  /** Points in the file. */
  readonly points: number
  /** The metrics they belong to. */
  readonly names: readonly string[]
  /** Those of the points that the run had already. */
  readonly repeated: number
  /** Cells of a table that hold something else than a number. */
  readonly skipped: number
}

export interface ImportInput {
  readonly runId: number
  /** Microseconds since the epoch: the time of points that have none. */
  readonly startedAt: number
  readonly reader: Reader
  readonly chunks: AsyncIterable<Uint8Array>
}

const pointsPerBatch = 10_000
/** Of a whole file: a table that is turned the wrong way would make a metric of every row. */
const maxNames = 100_000

/**
 * Every point carries its time, so that a file imported twice, or again after an error in its
 * middle, adds nothing twice.
 * @throws HearthError `bad_request` with the place; the points before it are stored
 */
export const importFile = async (store: PointStore, input: ImportInput): Promise<Imported> => {
  const { runId, startedAt, reader, chunks } = input
  const names = new Set<string>()
  const reading = { startedAt, skipped: 0 }
  let batch = new Columns()
  let points = 0
  let repeated = 0
  const flush = async (): Promise<void> => {
    if (batch.points === 0) return
    repeated += (await store.append({ runId, series: batch.series() })).repeated
    batch = new Columns()
  }
  try {
    for await (const point of reader(chunks, reading)) {
      if (!names.has(point.name)) {
        names.add(nameOf(point.name, `the name of metric ${names.size + 1}`))
        if (names.size > maxNames) {
          throw new HearthError('bad_request', `The file has more than ${maxNames} metrics`)
        }
      }
      batch.add(point)
      points++
      if (batch.points === pointsPerBatch) await flush()
    }
  } finally {
    await flush()
  }
  return { points, names: [...names].sort(), repeated, skipped: reading.skipped }
}

/** Points by series, as the store takes them. */
class Columns {
  readonly #columns = new Map<string, { values: number[]; steps: number[]; times: number[] }>()
  points = 0

  add({ name, value, step, time }: ImportedPoint): void {
    let column = this.#columns.get(name)
    if (!column) {
      column = { values: [], steps: [], times: [] }
      this.#columns.set(name, column)
    }
    column.values.push(value)
    column.steps.push(step)
    column.times.push(time)
    this.points++
  }

  series(): SeriesInput[] {
    return Array.from(this.#columns, ([name, column]) => ({ name, ...column }))
  }
}
