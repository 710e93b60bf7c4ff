/** An experiment from upload to solution, its server killed in the middle: it goes on. */
import { expect } from 'bun:test'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../../../scripts/command.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { testWith } from '../needs.ts'
import { Lab, python, type StepMessage } from './lab.ts'

const steps = 6

interface Results {
  readonly status: string
  readonly bestSolution: { readonly nodeId: string; readonly metric: { readonly value: number } }
  readonly journal: {
    readonly nodes: readonly { readonly id: string; readonly jobId: string | null }[]
  }
  readonly task: { readonly rows: { readonly search: number; readonly selection: number } }
  readonly final: {
    readonly finalists: readonly { readonly node: string; readonly selectionMetric: number }[]
  }
}

const digits = `
from sklearn.datasets import load_digits
frame = load_digits(as_frame=True).frame.drop_duplicates()
print(frame.sample(600, random_state=0).to_csv(index=False), end="")
`

/** Right answers of a submission, found by the features of its rows in the whole table. */
const rightAnswers = (table: string, folder: string): number => {
  const [header, ...rows] = table.trim().split('\n')
  const width = (header ?? '').split(',').length
  const truth = new Map(
    rows.map((row) => {
      const cells = row.split(',').map(Number)
      return [cells.slice(0, width - 1).join(), cells[width - 1]]
    }),
  )
  const read = (path: string) => readFileSync(join(folder, path), 'utf8').trim().split(/\r?\n/)
  const [names, ...test] = read('input/test.csv').map((row) => row.split(','))
  const id = names?.indexOf('row_id') ?? -1
  const expected = new Map(
    test.map((cells) => [
      cells[id],
      truth.get(
        cells
          .filter((_, at) => at !== id)
          .map(Number)
          .join(),
      ),
    ]),
  )
  const predicted = read('working/submission.csv')
    .slice(1)
    .map((row) => row.split(','))
  return predicted.filter(([row, label]) => expected.get(row ?? '') === Number(label)).length
}

testWith('python')(
  'an experiment goes on after kill -9, and its solution scores elsewhere what was reported',
  async () => {
    await using folder = await temporaryFolder()
    const table = await must([python, '-c', digits], {})
    const lab = await Lab.open(join(folder.path, 'lab'))
    try {
      const file = await lab.upload('digits.csv', table)
      const { id } = await lab.ask<{ id: string }>('POST', '/api/experiments', {
        name: 'Digits',
        goal: 'Predict the target: which digit was written',
        eval: 'accuracy',
        steps,
        files: [file],
        reruns: 1,
        ensemble: false,
        exec: { timeoutS: 60 },
      })
      const heard: StepMessage[] = []
      const first = lab.watch(id, 0, (message) => heard.push(message))
      await waitUntil('the first client to connect', () => first.connected)
      await lab.ask('POST', `/api/experiments/${id}/start`)
      const done = () => heard.filter(({ type }) => type === 'step_complete')
      await waitUntil('two steps', () => done().length >= 2, 60_000)

      await lab.end('SIGKILL')
      first.close()
      await lab.start()

      const since = Math.max(...heard.map(({ data }) => data?.seq ?? 0))
      const second = lab.watch(id, since, (message) => heard.push(message))
      const isOver = () => heard.some(({ type }) => type === 'experiment_complete')
      await waitUntil('the end of the experiment', isOver, 120_000)
      second.close()

      // Each step was told once, whoever told it; each has one job that ran to its end.
      expect(done().map(({ data }) => data.node?.id)).toEqual(
        Array.from({ length: steps }, (_, at) => `node_${at + 1}`),
      )
      const results = await lab.ask<Results>('GET', `/api/experiments/${id}/results`)
      expect(results.status).toBe('completed')
      const { jobs } = (await (await fetch(`${lab.origin}/api/jobs?limit=100`)).json()) as {
        jobs: { name: string; attempt: number }[]
      }
      const ofSteps = jobs.filter(({ name }) => new RegExp(`^${id} node_\\d+$`).test(name))
      expect(ofSteps.map(({ attempt }) => attempt)).toEqual(ofSteps.map(() => 1))
      expect(ofSteps).toHaveLength(steps)

      const elsewhere = join(folder.path, 'elsewhere')
      mkdirSync(elsewhere)
      const archive = join(folder.path, 'export.zip')
      await Bun.write(archive, await fetch(`${lab.origin}/api/experiments/${id}/export`))
      await must([python, '-m', 'zipfile', '-e', archive, elsewhere], {})
      mkdirSync(join(elsewhere, 'working'), { recursive: true })
      await must([python, 'solution.py'], { cwd: elsewhere })
      const { search, selection } = results.task.rows
      const { nodeId, metric } = results.bestSolution
      const finalist = results.final.finalists.find(({ node }) => node === nodeId)
      const reported = metric.value * search + (finalist?.selectionMetric ?? 0) * selection
      expect(rightAnswers(table, elsewhere)).toBe(Math.round(reported))
    } finally {
      await lab.end('SIGKILL')
    }
  },
  240_000,
)
