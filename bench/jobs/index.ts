/** `bun run bench jobs`: how soon, how many and how cheaply jobs run; peers beside us. */
import { cpus, loadavg, release } from 'node:os'
import { say } from '../../scripts/say.ts'
import { median, table, type TableRow } from '../table.ts'
import { type Drained, measureDrain, slots, workers } from './drain.ts'
import { measureFleet } from './fleet.ts'
import { measureLatency } from './latency.ts'
import { measureLogRate, startAgent } from './log-rate.ts'
import { installPeers, measureBullMq, measurePgBoss, type PeerFigures } from './peers.ts'
import { type DatabaseKind, startServer } from './server.ts'
import { measureShim } from './shim.ts'

const full = {
  repeats: 3,
  latencyJobs: 200,
  queuedJobs: 10_000,
  agents: 1000,
  fleetSeconds: 30,
  logBytes: 1_000_000_000,
  shimRounds: 40_000_000,
}
const quick = {
  repeats: 1,
  latencyJobs: 20,
  queuedJobs: 1000,
  agents: 50,
  fleetSeconds: 5,
  logBytes: 50_000_000,
  shimRounds: 15_000_000,
}
type Scale = typeof full

/** `bun run bench jobs latency` measures one part. */
const parts = ['latency', 'drain', 'fleet', 'log', 'shim'] as const
type Part = (typeof parts)[number]

export const benchJobs = async (flags: ReadonlySet<string>): Promise<void> => {
  const scale = flags.has('--quick') ? quick : full
  const chosen = parts.filter((part) => flags.has(part))
  const rows: TableRow[] = []
  for (const part of chosen.length > 0 ? chosen : parts) {
    say(`## ${part} (load ${loadavg()[0]?.toFixed(1)})`)
    for (const row of await measures[part](scale)) {
      rows.push(row)
      say(`${row.what}: ${row.figures.map((figure) => figure?.toPrecision(4) ?? '-').join(', ')}`)
    }
  }
  const machine = `${cpus().length} cores, Linux ${release()}, Bun ${Bun.version}`
  say(`\n${new Date().toISOString().slice(0, 10)}, ${machine}, medians of ${scale.repeats}\n`)
  say(table(['Hearth', 'on PostgreSQL', 'pg-boss', 'BullMQ'], rows, 2))
}

const repeat = async <T>(times: number, measure: () => Promise<T>): Promise<T[]> => {
  const results: T[] = []
  for (let i = 0; i < times; i++) results.push(await measure())
  return results
}

const alone = (figure: number) => [figure, null, null, null] as const

const measures: Readonly<Record<Part, (scale: Scale) => Promise<TableRow[]>>> = {
  async latency(scale) {
    await using server = await startServer('sqlite', 2)
    const runs = await repeat(scale.repeats, () => measureLatency(server, scale.latencyJobs))
    const row = (what: string, figures: number[], goal: string): TableRow => ({
      what: `submit to first output byte, ${what}`,
      unit: 'ms',
      figures: alone(median(figures)),
      better: 'less',
      goal,
    })
    return [
      row(
        'p50',
        runs.map(({ p50 }) => p50),
        'under 30',
      ),
      row(
        'p99',
        runs.map(({ p99 }) => p99),
        'under 100',
      ),
    ]
  },

  async drain(scale) {
    await installPeers()
    const ours = async (kind: DatabaseKind): Promise<Drained[]> =>
      repeat(scale.repeats, async () => {
        await using server = await startServer(kind, 0)
        return await measureDrain(server, scale.queuedJobs)
      })
    const sqlite = await ours('sqlite')
    const postgres = await ours('postgres')
    const boss = await repeat(scale.repeats, () => measurePgBoss(scale.queuedJobs))
    const bull = await repeat(scale.repeats, () => measureBullMq(scale.queuedJobs))
    const rate = (runs: readonly PeerFigures[]) => median(runs.map((run) => run.jobsPerSecond))
    const wrong = (runs: readonly PeerFigures[]) => Math.max(...runs.map((run) => run.wrong))
    const submits = (runs: readonly Drained[]) => median(runs.map((run) => run.submitsPerSecond))
    const title = `${scale.queuedJobs} queued jobs, ${workers} workers with ${slots} places`
    return [
      {
        what: 'submitting, 16 clients, one job a request',
        unit: 'jobs/s',
        figures: [submits(sqlite), submits(postgres), null, null],
        better: 'more',
      },
      {
        what: title,
        unit: 'jobs/s',
        figures: [rate(sqlite), rate(postgres), rate(boss), rate(bull)],
        better: 'more',
        goal: '2,000',
      },
      {
        what: 'begun twice or never',
        unit: 'jobs, worst run',
        figures: [wrong(sqlite), wrong(postgres), wrong(boss), wrong(bull)],
        better: 'less',
        goal: '0',
      },
    ]
  },

  async fleet(scale) {
    const shares = await repeat(scale.repeats, async () => {
      await using server = await startServer('sqlite', 0)
      return await measureFleet(server, scale.agents, scale.fleetSeconds)
    })
    return [
      {
        what: `${scale.agents} idle agents`,
        unit: 'cores',
        figures: alone(median(shares)),
        better: 'less',
        goal: 'under 0.5',
      },
    ]
  },

  async log(scale) {
    await using server = await startServer('sqlite', 0)
    const agent = await startAgent(server)
    try {
      const rates = await repeat(scale.repeats, () => measureLogRate(server, scale.logBytes))
      return [
        {
          what: 'log of a job to the server, loopback',
          unit: 'MB/s',
          figures: alone(median(rates)),
          better: 'more',
          goal: '200',
        },
      ]
    } finally {
      await agent.stop()
    }
  },

  async shim(scale) {
    await using server = await startServer('sqlite', 1)
    const runs = await repeat(scale.repeats, () => measureShim(server, scale.shimRounds))
    const row = (what: string, figures: number[]): TableRow => ({
      what,
      unit: '%',
      figures: alone(100 * median(figures)),
      better: 'less',
      goal: 'under 1',
    })
    return [
      row(
        'processor time of a shim at work',
        runs.map(({ cpu }) => cpu),
      ),
      row(
        'longer as a job than alone',
        runs.map(({ wall }) => wall),
      ),
    ]
  },
}
