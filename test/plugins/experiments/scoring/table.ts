/** Tables, tasks and submissions for the tests of the referee. */
import { csvLine, type Row } from '../../../../plugins/experiments/data/csv.ts'
import { readTable } from '../../../../plugins/experiments/data/read-table.ts'
import type { KeptFile } from '../../../../plugins/experiments/journal/node.ts'
import {
  createReferee,
  type Judgement,
  type Prepared,
} from '../../../../plugins/experiments/scoring/referee.ts'
import { readTruth, type Truth } from '../../../../plugins/experiments/scoring/truth.ts'
import type { Task } from '../../../../plugins/experiments/scoring/task.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'

export const taskOf = (changes: Partial<Task> = {}): Task => ({
  kind: 'binary',
  target: 'y',
  metric: 'accuracy',
  maximize: true,
  table: 'train.csv',
  id: null,
  group: null,
  source: 'given',
  explanation: '',
  ...changes,
})

export interface Arena {
  put(path: string, rows: readonly Row[] | string): Promise<KeptFile>
  rows(file: KeptFile | undefined): Promise<Row[]>
  truth(prepared: Prepared): Promise<Truth>
  prepare(files: readonly KeptFile[], task: Task, seed?: number): Promise<Prepared>
  /** Judges a submission whose row for each id is made by `row`. */
  judge(task: Task, prepared: Prepared, rows: readonly Row[] | string | null): Promise<Judgement>
}

export const arena = (): Arena => {
  const blobs = memoryBlobs()
  const referee = createReferee({ blobs })
  const put: Arena['put'] = async (path, rows) => {
    const text = typeof rows === 'string' ? rows : rows.map((row) => csvLine(row)).join('')
    return { path, ...(await blobs.put(new TextEncoder().encode(text))) }
  }
  return {
    put,
    rows: async (file) => {
      const table = await readTable((await blobs.get(file!.sha256))!)
      const rows: Row[] = [table.columns]
      for await (const batch of table.batches) rows.push(...batch)
      return rows
    },
    truth: async ({ truth }) => readTruth((await blobs.get(truth.sha256))!),
    prepare: (files, task, seed = 0) => referee.prepare(files, task, seed),
    judge: async (task, prepared, rows) =>
      referee.judge(
        task,
        prepared,
        rows === null ? null : await put('working/submission.csv', rows),
      ),
  }
}

export const named = (files: readonly KeptFile[], path: string): KeptFile | undefined =>
  files.find((file) => file.path === path)
