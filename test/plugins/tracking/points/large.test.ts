/** Charts and pages over many chunks: equal to brute force, no spike lost, edges that stay put. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { ChartSeries, Point } from '../../../../plugins/tracking/points/store.ts'
import { dialects, type StoreUnderTest } from './fixture.ts'
import { Model, random } from './model.ts'

let under: StoreUnderTest
beforeAll(async () => {
  under = await dialects.sqlite()
})
afterAll(() => under.close())

const names = Array.from({ length: 12 }, (_, i) => `layer/${i}`)

/** Mostly in order; some steps come late, twice, or far off; some values are no numbers. */
const wander = (seed: number, count: number) => {
  const { below, next } = random(seed)
  const steps: number[] = []
  const values: number[] = []
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const chance = below(100)
    steps.push(chance < 90 ? i * 3 : chance < 99 ? below(i * 3 + 1) : -below(1e6))
    times.push(1e15 + i * 1000 + below(20_000))
    values.push(below(200) === 0 ? ([NaN, Infinity, -Infinity][below(3)] as number) : next())
  }
  return { steps, times, values }
}

const fill = async (runId: number, model: Model): Promise<void> => {
  const columns = names.map((_, i) => wander(runId * 100 + i, 5200))
  const size = 650
  for (let from = 0; from < 5200; from += size) {
    const part = (column: number[]) => column.slice(from, from + size)
    const series = names.map((name, i) => {
      const { steps, times, values } = columns[i] as ReturnType<typeof wander>
      return { name, steps: part(steps), times: part(times), values: part(values) }
    })
    const { firstId, stored } = await under.store.append({ runId, series })
    expect(stored).toBe(names.length * size)
    let id = firstId
    for (const { name, steps, times, values } of series) {
      for (let i = 0; i < size; i++) {
        const [step = 0, time = 0, value = 0] = [steps[i], times[i], values[i]]
        model.points.push({ id: id++, runId, name, step, time, value })
      }
    }
    // Half of it ends in chunks, the rest stays open.
    if (from === 4 * size) await under.seal()
  }
}

const rounded = (value: number | undefined): number => Number(value?.toPrecision(9))

const bucketsOf = (chart: ChartSeries) =>
  Array.from(chart.steps, (step, i) => ({
    step,
    min: chart.min[i] as number,
    max: chart.max[i] as number,
    mean: rounded(chart.mean[i]),
    last: chart.last[i] as number,
    count: chart.count[i] as number,
    nonFinite: chart.nonFinite[i] as number,
  }))

test('charts at random zooms and pages anywhere equal brute force', async () => {
  const runId = 1
  const model = new Model()
  await fill(runId, model)
  const { below, pick } = random(99)
  for (let round = 0; round < 40; round++) {
    const name = pick(names)
    const from = pick([undefined, below(15_000), -below(1e6)])
    const query = {
      runId,
      names: [name],
      buckets: 2 + below(pick([10, 100, 6000])),
      ...(from !== undefined && { from, to: from + below(pick([50, 5000, 1e6])) }),
    }
    const expected = model.chart(query, name)
    const [chart] = await under.store.chart(query)
    expect({
      exact: chart?.exact,
      width: chart?.width,
      buckets: bucketsOf(chart as ChartSeries),
    }).toEqual({
      ...expected,
      buckets: expected.buckets.map((bucket) => ({ ...bucket, mean: rounded(bucket.mean) })),
    })
  }
  const all = model.of(runId)
  const one = model.of(runId, 'layer/3')
  for (const skip of [
    0,
    5000,
    20_000,
    40_123,
    62_390,
    62_400,
    ...Array(6)
      .fill(0)
      .map(() => below(62_400)),
  ]) {
    const page: Point[] = await under.store.list({ runId, skip, limit: 500 })
    expect(page).toEqual(all.slice(skip, skip + 500))
    const short = await under.store.list({ runId, skip, limit: 5 })
    expect(short).toEqual(all.slice(skip, skip + 5))
  }
  for (const skip of [0, 2600, 5199]) {
    const page = await under.store.list({ runId, name: 'layer/3', skip, limit: 50 })
    expect(page).toEqual(one.slice(skip, skip + 50))
  }
})

test('one spike among a million points shows at every zoom that holds it', async () => {
  const runId = 2
  const spike = 765_432
  const count = 1_000_000
  for (let from = 0; from < count; from += 50_000) {
    const steps = Float64Array.from({ length: 50_000 }, (_, i) => from + i)
    const values = steps.map((step) => (step === spike ? 1e9 : Math.sin(step)))
    await under.store.append({ runId, series: [{ name: 'loss', steps, values }] })
  }
  for (const [from, to] of [
    [0, count],
    [spike - 100_000, spike + 1],
    [spike, spike + 300_000],
    [spike, spike],
  ] as const) {
    for (const buckets of [2, 100, 1000]) {
      const [chart] = await under.store.chart({ runId, names: ['loss'], buckets, from, to })
      expect(Math.max(...(chart?.max ?? []))).toBe(1e9)
      expect(chart?.steps.length).toBeLessThanOrEqual(buckets)
    }
  }
})

test('buckets that are full stay as they are while points are appended', async () => {
  const runId = 3
  const append = (from: number, length: number) => {
    const steps = Float64Array.from({ length }, (_, i) => from + i)
    const values = steps.map((step) => Math.cos(step))
    return under.store.append({ runId, series: [{ name: 'loss', steps, values }] })
  }
  const chart = async () => {
    const [found] = await under.store.chart({ runId, names: ['loss'], buckets: 100 })
    return found as ChartSeries
  }
  await append(0, 40_000)
  let before = await chart()
  let widths = 1
  for (let from = 40_000; from < 90_000; from += 2500) {
    await append(from, 2500)
    const after = await chart()
    if (after.width === before.width) {
      const full = bucketsOf(before).slice(0, -1)
      expect(bucketsOf(after).slice(0, full.length)).toEqual(full)
    } else {
      // Every edge of the wider buckets was an edge before.
      widths++
      expect(after.width).toBe(before.width * 2)
      const edges = new Set(before.steps)
      const known = [...after.steps].filter((step) => step <= Math.max(...before.steps))
      expect(known.filter((step) => !edges.has(step))).toEqual([])
    }
    before = after
  }
  expect(widths).toBe(2)
})
