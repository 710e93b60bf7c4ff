/** `bun run bench scenarios`: learning, stepping and serving, beside the single-purpose tools. */
import { cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { say } from '../../scripts/say.ts'
import { virtualEnvironment } from '../../scripts/services/python.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { median, table, type TableRow } from '../table.ts'
import { measureActs } from './act.ts'

const root = join(import.meta.dir, '../..')
const at = (name: string) => join(import.meta.dir, name)

interface Learned {
  readonly hit: number | null
  readonly stepsPerSecond: number
}

const json = async <T>(argv: readonly string[]): Promise<T> => {
  const printed = await must(argv)
  return JSON.parse(printed.split('\n').find((line) => line.startsWith('{')) ?? '') as T
}

export const benchScenarios = async (flags: ReadonlySet<string>): Promise<void> => {
  const seeds = flags.has('--quick') ? [1] : [1, 2, 3]
  const python = await virtualEnvironment(
    join(root, '.cache/bench-scenarios-venv'),
    at('requirements.txt'),
  )
  const peer = <T>(...args: readonly (string | number)[]) =>
    json<T>([python, at('peers.py'), ...args.map(String)])
  const ours: Learned[] = []
  const sb3: Learned[] = []
  const cleanRl: Learned[] = []
  for (const seed of seeds) {
    say(`## seed ${seed} (load ${loadavg()[0]?.toFixed(1)})`)
    ours.push(await json([process.execPath, at('cartpole.ts'), String(seed), '500000']))
    cleanRl.push(await peer('torch', seed, 500_000))
    sb3.push(await peer('sb3', seed, 100_000))
    say([ours, cleanRl, sb3].map((runs) => JSON.stringify(runs.at(-1))).join('\n'))
  }
  interface Support {
    readonly reached: number | null
    readonly seconds: number
    readonly accuracy: number
    readonly worst: number
    readonly speeds: { readonly customerSupport: number; readonly cartpole: number }
  }
  const support = await Promise.all(
    seeds.slice(0, 1).map((seed) => json<Support>([process.execPath, at('support.ts'), `${seed}`])),
  )
  say(JSON.stringify(support))
  const gymnasium = await peer<Record<string, number>>('environments')
  await using folder = await temporaryFolder()
  const { ours: act, during, theirs } = await measureActs(folder.path, python)
  const [learned] = support
  const of = (runs: readonly Learned[], figure: (run: Learned) => number | null) =>
    median(runs.map((run) => figure(run) ?? Number.POSITIVE_INFINITY))
  const hit = ({ hit: steps }: Learned) => steps
  const speed = ({ stepsPerSecond }: Learned) => stepsPerSecond
  const rows: TableRow[] = [
    {
      what: 'CartPole: steps to a mean of 475',
      unit: 'steps',
      figures: [of(ours, hit), of(cleanRl, hit), of(sb3, hit)],
      better: 'less',
      goal: 'no worse than CleanRL’s',
    },
    {
      what: 'CartPole: training',
      unit: 'steps/s',
      figures: [of(ours, speed), of(cleanRl, speed), of(sb3, speed)],
      better: 'more',
      goal: '10x both',
    },
    {
      what: 'CartPole: environment alone',
      unit: 'steps/s',
      figures: [learned?.speeds.cartpole ?? null, gymnasium['sync'] ?? null, null],
      better: 'more',
    },
    {
      what: 'customer_support: environment alone',
      unit: 'steps/s',
      figures: [learned?.speeds.customerSupport ?? null, null, null],
      better: 'more',
    },
    {
      what: 'customer_support: until 95 %, each task 90 %',
      unit: 's',
      figures: [learned?.reached ?? null, null, null],
      better: 'less',
      goal: '10',
    },
    {
      what: 'customer_support: test seeds',
      unit: '%',
      figures: [learned?.accuracy ?? null, null, null],
      better: 'more',
      goal: '95',
    },
  ]
  const machine = `${cpus().length} cores, Linux ${release()}, Bun ${Bun.version}`
  say(`\n${new Date().toISOString().slice(0, 10)}, ${machine}, medians of ${seeds.length}\n`)
  say(table(['Hearth', 'CleanRL’s PPO', 'Stable-Baselines3'], rows, 1))
  const vector = gymnasium['vector_entry_point']?.toFixed(0)
  say(`Gymnasium, 1024 environments at once: ${vector} steps/s\n`)
  const served: TableRow[] = [
    ['one client: p50', 'ms', act.alone.p50Ms, theirs.alone.p50Ms, 'less', 'under 1'],
    ['64 clients, 1,280/s: p50', 'ms', act.paced.p50Ms, theirs.paced.p50Ms, 'less', 'under 1'],
    ['64 clients, 1,280/s: p99', 'ms', act.paced.p99Ms, theirs.paced.p99Ms, 'less', 'under 5'],
    ['the same while a training runs: p50', 'ms', during.p50Ms, null, 'less', ''],
    ['the same while a training runs: p99', 'ms', during.p99Ms, null, 'less', 'under 2x'],
    ['64 clients, all they can: p50', 'ms', act.full.p50Ms, theirs.full.p50Ms, 'less', ''],
    ['64 clients, all they can: p99', 'ms', act.full.p99Ms, theirs.full.p99Ms, 'less', 'under 5'],
    ['64 clients, all they can', '/s', act.full.perSecond, theirs.full.perSecond, 'more', ''],
  ].map(([what, unit, a, b, better, goal]) => ({
    what: `/act, ${what}`,
    unit: String(unit),
    figures: [Number(a), b === null ? null : Number(b)],
    better: better as TableRow['better'],
    goal: String(goal),
  }))
  say(table(['Hearth', 'FastAPI + onnxruntime'], served, 1))
}
