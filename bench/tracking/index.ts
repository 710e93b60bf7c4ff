/** `bun run bench tracking`: MLflow's server and ours, one after the other on the same machine. */
import { cpus, loadavg, release } from 'node:os'
import { say } from '../../scripts/say.ts'
import { median, table, type TableRow } from '../table.ts'
import { type IngestRow, ingestRows, measureIngest, singleRow } from './ingest.ts'
import { measureLive } from './live.ts'
import { measurePage, pages } from './pages.ts'
import { fullScale, quickScale, type Scale } from './scale.ts'
import { seed } from './seed.ts'
import {
  type HearthTarget,
  hearthOnPostgres,
  hearthOnSqlite,
  type MlflowTarget,
  mlflowTarget,
  peakMemoryBytes,
} from './target.ts'

type AnyTarget = HearthTarget | MlflowTarget

type Recorder = (what: string, value: number) => Promise<void>

/** What explains a figure: how busy the machine is, and how much memory we ever had by then. */
const circumstances = async (target: AnyTarget): Promise<string> => {
  const load = `load ${(loadavg()[0] as number).toFixed(1)}`
  if (target.kind === 'mlflow') return `  (${load})`
  const peakBytes = await peakMemoryBytes(target.hearth.pid)
  return `  (${load}, peak memory so far ${Math.round(peakBytes / 2 ** 20)} MiB)`
}

/** Figures of one server by the name of the row. */
type Figures = Map<string, number>

export const benchTracking = async (flags: ReadonlySet<string>): Promise<void> => {
  const scale = flags.has('--quick') ? quickScale : fullScale
  const starts = [
    hearthOnSqlite,
    ...(flags.has('--no-mlflow') ? [] : [mlflowTarget]),
    ...(flags.has('--postgres') ? [hearthOnPostgres] : []),
  ]
  const columns: string[] = []
  const measured: Figures[] = []
  for (const start of starts) {
    const target: AnyTarget = await start()
    say(`## ${target.name}`)
    try {
      columns.push(target.name)
      measured.push(await measure(target, scale))
    } finally {
      await target.stop()
    }
  }
  say(`\n${new Date().toISOString().slice(0, 10)}, ${machine()}, medians of ${scale.repeats}\n`)
  say(table(columns, rows(measured), columns.indexOf('MLflow')))
}

const measure = async (target: AnyTarget, scale: Scale): Promise<Figures> => {
  const figures: Figures = new Map()
  const record = async (what: string, value: number): Promise<void> => {
    figures.set(what, value)
    say(`${what}: ${value.toPrecision(4)}${await circumstances(target)}`)
  }
  // Over all that came in: growth from one row to the next depends on room that was free before.
  const points = await measureAllIngest(target, scale, record)
  await record(diskRow, (await target.diskBytes()) / points)
  const seeded = await seed(target, scale)
  for (const page of pages) {
    const values: number[] = []
    for (let i = 0; i < scale.repeats; i++)
      values.push(await measurePage(target, page, seeded, scale))
    await record(page.what, median(values))
  }
  if (target.kind === 'hearth') await measureAllLive(target, scale, record)
  return figures
}

/** Answers how many points were stored. */
const measureAllIngest = async (
  target: AnyTarget,
  scale: Scale,
  record: Recorder,
): Promise<number> => {
  let points = 0
  for (const row of [...ingestRows, singleRow]) {
    const values: number[] = []
    try {
      for (let round = 0; round < scale.repeats; round++) {
        values.push(await measureIngest(target, row, scale, round))
        points += pointsOf(row, target, scale)
      }
      await record(row.what, median(values))
    } catch (error) {
      // One server's failure in one row is a result too: the row stays empty, the rest is measured.
      say(`${row.what}: FAILED: ${(error as Error).message}`)
    }
  }
  return points
}

const pointsOf = (row: IngestRow, { kind }: AnyTarget, scale: Scale): number => {
  const { batches, singles } = scale[kind]
  const perRequest = row.names * row.stepsPerName
  const requests = perRequest === 1 ? singles : batches
  return Math.ceil(requests / row.clients) * row.clients * perRequest
}

const measureAllLive = async (
  target: HearthTarget,
  scale: Scale,
  record: Recorder,
): Promise<void> => {
  const batch = await measureLive(target, scale, 'batch', 10)
  await record(liveRows.batch, batch.p99Ms)
  await record(liveRows.missed, batch.expected - batch.points)
  await record(liveRows.growth, (batch.memoryAfterBytes - batch.memoryBeforeBytes) / 2 ** 20)
  const single = await measureLive(target, scale, 'single', 0)
  await record(liveRows.single, single.p99Ms)
  await record(memoryRow, (await peakMemoryBytes(target.hearth.pid)) / 2 ** 20)
}

const diskRow = 'on disk a point'
const memoryRow = 'peak memory during all that'
const liveRows = {
  batch: 'live, 1,000 points/s: logged to received, p99, a message a step',
  missed: 'points that did not arrive',
  growth: 'growth of memory meanwhile, with ten stalled readers',
  single: 'live, the same, a message a point',
}

const rows = (measured: readonly Figures[]): TableRow[] => {
  const row = (what: string, unit: string, better: 'more' | 'less', goal?: string): TableRow => ({
    what,
    unit,
    better,
    figures: measured.map((figures) => figures.get(what) ?? null),
    ...(goal && { goal }),
  })
  return [
    ...[...ingestRows, singleRow].map(({ what, unit, goal }) => row(what, unit, 'more', goal)),
    row(diskRow, 'bytes', 'less', 'under 30'),
    ...pages.map(({ what }) => row(what, 'ms, p95', 'less', 'under 50')),
    row(liveRows.batch, 'ms', 'less', 'under 100'),
    row(liveRows.missed, 'points', 'less', 'none'),
    row(liveRows.growth, 'MiB', 'less', 'none'),
    row(liveRows.single, 'ms', 'less'),
    row(memoryRow, 'MiB', 'less', 'under 400'),
  ]
}

const machine = (): string => {
  const cores = cpus()
  return `${cores.length} cores (${cores[0]?.model}), Linux ${release()}, Bun ${Bun.version}`
}
