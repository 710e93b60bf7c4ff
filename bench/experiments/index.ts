/**
 * `bun run bench experiments`: the same ten programs through AIDE ML and through us, and, without
 * `--no-ladder`, the built-in proposer beside what else finds models without being told.
 */
import { mkdir } from 'node:fs/promises'
import { cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { say } from '../../scripts/say.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { median, quantile, table } from '../table.ts'
import { type AideRun, installAide, runAide } from './aide.ts'
import { type ExperimentRun, startBench } from './hearth.ts'
import { ladderTable } from './ladder.ts'
import { phasesTable } from './phases.ts'
import { steps } from './programs.ts'
import { startScriptedModel } from './script.ts'

const digits = `
import sys
from sklearn.datasets import load_digits
load_digits(as_frame=True).frame.to_csv(sys.argv[1], index=False)
`

/** One of each a round. `first`: on a server that has just started, with one worker. */
interface Rounds {
  readonly aide: AideRun[]
  readonly first: ExperimentRun[]
  readonly one: ExperimentRun[]
  readonly two: ExperimentRun[]
  /** With one worker, every program in a Python that imports for itself. */
  readonly cold: ExperimentRun[]
}

export const benchExperiments = async (flags: ReadonlySet<string>): Promise<void> => {
  const count = flags.has('--quick') ? 1 : 3
  const rounds = await measure(count)
  const machine = `${cpus().length} cores, Linux ${release()}, Bun ${Bun.version}`
  say(`\n${new Date().toISOString().slice(0, 10)}, ${machine}, medians of ${count}\n`)
  say(table(['Hearth', 'AIDE ML'], rowsOf(rounds), 1))
  say(`\nWhere the time goes, 1 worker\n\n${phasesTable(rounds.one)}`)
  if (!flags.has('--no-ladder')) await ladderTable(flags.has('--quick') ? { seconds: 5 } : {})
}

const measure = async (count: number): Promise<Rounds> => {
  await using folder = await temporaryFolder()
  await using model = startScriptedModel()
  const python = await installAide()
  const data = join(folder.path, 'data')
  await mkdir(data)
  const file = join(data, 'digits.csv')
  await must([python, '-c', digits, file])
  const rounds: Rounds = { aide: [], first: [], one: [], two: [], cold: [] }
  const keep = async <T extends AideRun>(runs: T[], what: string, run: () => Promise<T>) => {
    model.rewind()
    const done = await run()
    runs.push(done)
    say(`${what}: ${done.seconds.toFixed(2)} s, programs ${done.inPrograms.toFixed(2)} s`)
    sameScores(rounds.aide[0] ?? done, done)
  }
  for (let round = 0; round < count; round++) {
    say(`## round ${round + 1} of ${count} (load ${loadavg()[0]?.toFixed(1)})`)
    const place = join(folder.path, `hearth-${round}`)
    await keep(rounds.aide, 'AIDE ML', () => runAide(python, model.url, data, steps))
    const bench = await startBench(place, python, model, file)
    try {
      await keep(rounds.first, 'Hearth, just started', () => bench.run(1))
      await keep(rounds.one, 'Hearth, 1 worker', () => bench.run(1))
      await keep(rounds.two, 'Hearth, 2 workers', () => bench.run(2))
      await keep(rounds.cold, 'Hearth, 1 worker, cold', () => bench.run(1, false))
    } finally {
      await bench.stop()
    }
  }
  return rounds
}

/** @throws when the programs were not the same, or came to something else */
const sameScores = (a: AideRun, b: AideRun): void => {
  const [these, those] = [a, b].map(({ metrics }) => metrics.map(String).sort().join(' '))
  if (these !== those) throw new Error(`The scores differ: ${these}, and ${those}`)
}

const rowsOf = ({ aide, first, one, two, cold }: Rounds) => {
  const of = <T>(runs: readonly T[], figure: (run: T) => number) => median(runs.map(figure))
  const wall = (runs: readonly AideRun[]) => of(runs, ({ seconds }) => seconds)
  const programs = (runs: readonly AideRun[]) => of(runs, ({ inPrograms }) => inPrograms)
  const p99 = ({ healthMs }: ExperimentRun) => quantile(Float64Array.from(healthMs), 0.99)
  const row = (what: string, ours: number, theirs: number | null, goal?: string, unit = 's') => ({
    what,
    unit,
    figures: [ours, theirs],
    better: 'less' as const,
    ...(goal && { goal }),
  })
  return [
    row('ten programs, 1 worker', wall(one), wall(aide), 'at least 2x'),
    row('ten programs, 2 workers', wall(two), wall(aide), 'less than with one'),
    row('ten programs, 1 worker, server just started', wall(first), wall(aide)),
    row('ten programs, 1 worker, begun cold', wall(cold), wall(aide)),
    row('the programs alone, 1 worker', programs(one), programs(aide)),
    row('`/health` while code runs, p99', of([...one, ...two], p99), null, 'under 50', 'ms'),
    row('the same, server just started', of(first, p99), null, 'under 50', 'ms'),
  ]
}
