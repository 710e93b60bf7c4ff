/** The archive of a finished experiment: everything to run its solution without this server. */
import { makeZip } from 'client-zip'
import type { Blobs } from '../../../src/sdk.ts'
import type { Experiment } from '../experiment.ts'
import { bestOf } from '../journal/good.ts'
import type { Journal } from '../journal/journal.ts'
import type { KeptFile } from '../journal/node.ts'
import { solutionOf } from './solution.ts'
import { requirementsOf } from './packages.ts'

export interface ExportOptions {
  readonly blobs: Blobs
  readonly experiment: Experiment
  readonly journal: Journal
  readonly inputs: readonly KeptFile[]
  /** AIDE's own form of the journal. */
  readonly aideJournal: object
  readonly packages: Readonly<Record<string, string>>
}

/** A zip, made as it is read. */
export const exportArchive = (options: ExportOptions): ReadableStream<Uint8Array> =>
  makeZip(files(options))

type ZipEntry = Parameters<typeof makeZip>[0] extends AsyncIterable<infer E> | Iterable<infer E>
  ? E
  : never

async function* files(options: ExportOptions): AsyncGenerator<ZipEntry> {
  const { experiment, journal, inputs, packages, blobs } = options
  const best = bestOf(journal)
  const visible = experiment.prepared?.visible ?? inputs
  const lastModified = new Date(experiment.updatedAt)
  const text = (name: string, content: string): ZipEntry => ({
    name,
    input: content,
    lastModified,
  })
  yield text('README.md', readme(experiment, best !== null))
  const solution = best && solutionOf(best, journal, experiment.task)
  if (solution !== null) {
    yield text('solution.py', solution)
    yield text('requirements.txt', `${requirementsOf(solution, packages).join('\n')}\n`)
  }
  yield text('data.json', `${JSON.stringify(digests(inputs, visible), null, 2)}\n`)
  yield text('journal.json', `${JSON.stringify(options.aideJournal, null, 2)}\n`)
  const kept = [
    ...visible.map((file) => ({ ...file, path: `input/${file.path}` })),
    ...(best?.verdict?.predictions
      ? [{ ...best.verdict.predictions, path: 'predictions.csv' }]
      : []),
    ...(journal.final?.report ? [{ ...journal.final.report, path: 'report.md' }] : []),
  ]
  for (const { path, sha256, sizeBytes } of kept) {
    const input = await blobs.get(sha256)
    if (input) yield { name: path, input, size: sizeBytes, lastModified }
  }
}

/** Uploaded files by name, and what programs were given of them. */
const digests = (inputs: readonly KeptFile[], visible: readonly KeptFile[]) => ({
  uploaded: inputs,
  input: visible,
})

const readme = ({ name, goal, task }: Experiment, hasSolution: boolean): string => {
  const lines = [`# ${name.replace(/\s+/g, ' ')}`, goal]
  if (hasSolution) {
    lines.push(
      'Run it in this folder:',
      '```sh\npip install -r requirements.txt\nmkdir -p working\npython solution.py\n```',
    )
  } else lines.push('No program came to a usable score.')
  if (task) {
    lines.push(
      `It learns from \`input/${task.table}\` and writes predictions for the rows of ` +
        '`input/test.csv` to `working/submission.csv`. `predictions.csv` holds what was scored.',
    )
  }
  return `${lines.join('\n\n')}\n`
}
