/** Measures the point store alone, without HTTP: `bun bench/points.ts [postgres://...]`. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pointMigrations } from '../plugins/tracking/points/migrations.ts'
import { openPointStore } from '../plugins/tracking/points/open.ts'
import type { PointStore } from '../plugins/tracking/points/store.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { silentLogger } from '../src/kernel/log.ts'
import { migrate } from '../src/storage/migrate.ts'
import { openDatabase } from '../src/storage/open.ts'

const databaseUrl = process.argv[2]
const dataDir = await mkdtemp(join(tmpdir(), 'hearth-bench-'))
const longRun = 1
const wideRun = 2
const singleRun = 3
/** Writing as many to PostgreSQL would take minutes. */
const longPoints = databaseUrl ? 1_000_000 : 10_000_000
const wideNames = 1000

const open = async () => {
  const db = await openDatabase({ dataDir, databaseUrl })
  await migrate(db, [{ plugin: 'tracking', migrations: pointMigrations }])
  const store = await openPointStore({ db, clock: systemClock, log: silentLogger })
  const close = () => store.close().then(() => db.close())
  return { db, store, close }
}

const say = (what: string, figure: number, unit: string): void => {
  const rounded = figure >= 100 ? Math.round(figure).toLocaleString('en') : figure.toPrecision(3)
  process.stdout.write(`${what.padEnd(62)} ${rounded.padStart(12)} ${unit}\n`)
}

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

const p95 = async (repeats: number, work: () => Promise<unknown>): Promise<number> => {
  const times: number[] = []
  for (let i = 0; i < repeats; i++) times.push((await seconds(work)) * 1000)
  return times.sort((a, b) => a - b)[Math.floor(repeats * 0.95)] as number
}

const fill = (length: number, value: (i: number) => number) => {
  const column = new Float64Array(length)
  for (let i = 0; i < length; i++) column[i] = value(i)
  return column
}

const appendLong = async (store: PointStore): Promise<void> => {
  const batch = 1000
  for (let from = 0; from < longPoints; from += batch) {
    const steps = fill(batch, (i) => from + i)
    const times = fill(batch, (i) => 1.7e15 + (from + i) * 1000 + ((i * 7919) % 200))
    const values = fill(batch, (i) => Math.sin((from + i) / 1000) + ((i * 31) % 97) / 100)
    const series = [{ name: 'loss', steps, times, values }]
    await store.append({ runId: longRun, series, batchId: `batch ${from}` })
  }
}

const appendWide = async (store: PointStore, steps: number): Promise<void> => {
  for (let step = 0; step < steps; step++) {
    const series = Array.from({ length: wideNames }, (_, i) => ({
      name: `layer/${i}/norm`,
      steps: [step],
      values: [i + step / 7],
    }))
    await store.append({ runId: wideRun, series })
  }
}

const appendSingles = async (store: PointStore, clients: number, each: number): Promise<void> => {
  const client = async (): Promise<void> => {
    for (let step = 0; step < each; step++) {
      const series = [{ name: 'loss', steps: [step], values: [step / 3] }]
      await store.append({ runId: singleRun, series })
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
}

const reads = async (store: PointStore, heat: string): Promise<void> => {
  const chart = (from?: number, to?: number) =>
    store.chart({
      runId: longRun,
      names: ['loss'],
      buckets: 1000,
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
    })
  const page = (runId: number, skip: number) => store.list({ runId, skip, limit: 1000 })
  const repeats = heat === 'cold' ? 1 : 20
  const time = async (what: string, work: () => Promise<unknown>) =>
    say(`${what}, ${heat}`, await p95(repeats, work), 'ms')
  await time('chart of 1000 buckets over one long series', () => chart())
  await time('the same, zoomed to a tenth', () => chart(longPoints * 0.42, longPoints * 0.52))
  await time('summary of 1000 names', () => store.summary(wideRun))
  await time('first page of one long series', () => page(longRun, 0))
  await time('page in the middle of one long series', () => page(longRun, longPoints / 2))
  await time('first page of 1000 names', () => page(wideRun, 0))
  await time('page in the middle of 1000 names', () => page(wideRun, 1_000_000))
}

const first = await open()
const long = await seconds(() => appendLong(first.store))
say('appended in batches of 1000', longPoints / long, 'points/s')
if (!databaseUrl) {
  const { size } = await stat(join(dataDir, 'hearth.sqlite'))
  say('on disk, batch ids included', size / longPoints, 'bytes/point')
}
const wide = await seconds(() => appendWide(first.store, 2000))
say('appended in batches of one point for each of 1000 names', 2_000_000 / wide, 'points/s')
const singles = await seconds(() => appendSingles(first.store, 32, 2000))
say('single points from 32 callers', 64_000 / singles, 'appends/s')
await reads(first.store, 'warm')
await first.close()
const second = await open()
await reads(second.store, 'cold')
say('memory', process.memoryUsage.rss() / 2 ** 20, 'MiB')
await second.close()
await rm(dataDir, { recursive: true })
