/** `bun run bench experiments`: the same ten programs through AIDE ML and through us. */
import { mkdir } from 'node:fs/promises'
import { cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { programSaid, startModelServer } from '../../scripts/model-server.ts'
import { say } from '../../scripts/say.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { median, table } from '../table.ts'
import { type AideRun, installAide, runAide } from './aide.ts'
import { type ExperimentRun, startBench } from './hearth.ts'
import { programs } from './programs.ts'

const digits = `
import sys
from sklearn.datasets import load_digits
load_digits(as_frame=True).frame.to_csv(sys.argv[1], index=False)
`

export const benchExperiments = async (flags: ReadonlySet<string>): Promise<void> => {
  const rounds = flags.has('--quick') ? 1 : 3
  await using folder = await temporaryFolder()
  const python = await installAide()
  const data = join(folder.path, 'data')
  await mkdir(data)
  const file = join(data, 'digits.csv')
  await must([python, '-c', digits, file])
  await using model = startModelServer({
    program: ({ index }) => programSaid(programs[index % programs.length] ?? ''),
  })
  const bench = await startBench(folder.path, python, model.url, file)
  const aide: AideRun[] = []
  const one: ExperimentRun[] = []
  const two: ExperimentRun[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      say(`## round ${round + 1} of ${rounds} (load ${loadavg()[0]?.toFixed(1)})`)
      aide.push(await runAide(python, model.url, data, programs.length))
      one.push(await bench.run(1))
      two.push(await bench.run(2))
      for (const runs of [aide, one, two]) {
        const { seconds, inPrograms, metrics } = runs.at(-1) ?? { metrics: [] }
        say(`${seconds?.toFixed(2)} s, programs ${inPrograms?.toFixed(2)} s; ${metrics.join(' ')}`)
      }
    }
  } finally {
    await bench.stop()
  }
  const of = <T>(runs: readonly T[], figure: (run: T) => number) => median(runs.map(figure))
  const seconds = ({ seconds: wall }: { readonly seconds: number }) => wall
  const rows = [
    {
      what: 'ten programs, 1 worker',
      unit: 's',
      figures: [of(one, seconds), of(aide, seconds)],
      better: 'less',
      goal: 'half',
    },
    {
      what: 'ten programs, 2 workers',
      unit: 's',
      figures: [of(two, seconds), of(aide, seconds)],
      better: 'less',
      goal: 'less than with one',
    },
    {
      what: 'the programs alone, 1 worker',
      unit: 's',
      figures: [of(one, (run) => run.inPrograms), of(aide, (run) => run.inPrograms)],
      better: 'less',
    },
    {
      what: '/health p99 while code runs',
      unit: 'ms',
      figures: [of([...one, ...two], (run) => run.healthP99Ms), null],
      better: 'less',
      goal: '50',
    },
  ] as const
  const machine = `${cpus().length} cores, Linux ${release()}, Bun ${Bun.version}`
  say(`\n${new Date().toISOString().slice(0, 10)}, ${machine}, medians of ${rounds}\n`)
  say(table(['Hearth', 'AIDE ML'], rows, 1))
}
