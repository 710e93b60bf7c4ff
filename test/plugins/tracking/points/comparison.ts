/** Compares all that a point store answers with the simple model. */
import { expect } from 'bun:test'
import type {
  ChartQuery,
  ChartSeries,
  Point,
  PointStore,
  SeriesSummary,
} from '../../../../plugins/tracking/points/store.ts'
import type { Model, Random } from './model.ts'

const round = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(10))

const roundMean = (summary: SeriesSummary) => ({ ...summary, mean: round(summary.mean) })

const rowsOf = ({ exact, width, steps, ...columns }: ChartSeries) => ({
  exact,
  width,
  buckets: Array.from(steps, (step, i) => ({
    step,
    min: columns.min[i],
    max: columns.max[i],
    mean: round(columns.mean[i] as number),
    last: columns.last[i],
    count: columns.count[i],
    nonFinite: columns.nonFinite[i],
  })),
})

const rounded = (chart: ReturnType<Model['chart']>) => ({
  ...chart,
  buckets: chart.buckets.map((bucket) => ({ ...bucket, mean: round(bucket.mean) })),
})

export const collect = async (store: PointStore, runId: number, since: number): Promise<Point[]> =>
  (await Array.fromAsync(store.since(runId, since))).flat()

/** Everything that can be read of a run, beside what the model says. */
export const compare = async (store: PointStore, model: Model, runId: number, r: Random) => {
  const all = model.of(runId)
  const skip = r.below(all.length + 2)
  const limit = 1 + r.below(20)
  const since = r.below((all.at(-1)?.id ?? 0) + 2)
  const name = r.pick(['loss', 'train/acc', '__proto__', 'missing'])
  const named = model.of(runId, name)
  expect(await store.list({ runId, skip: 0, limit: 10_000 })).toEqual(all)
  expect(await store.list({ runId, skip, limit })).toEqual(all.slice(skip, skip + limit))
  expect(await store.list({ runId, name, skip, limit })).toEqual(named.slice(skip, skip + limit))
  expect(await store.names(runId)).toEqual(model.names(runId))
  expect((await store.summary(runId)).map(roundMean)).toEqual(model.summary(runId).map(roundMean))
  const history = await store.history(runId, name)
  expect(history && Array.from(history.ids)).toEqual(
    named.length > 0 ? named.map(({ id }) => id) : null,
  )
  expect(await collect(store, runId, since)).toEqual(
    all.filter(({ id }) => id > since).sort((a, b) => a.id - b.id),
  )
  for (const buckets of [2, 1 + r.below(60)]) {
    const query: ChartQuery = {
      runId,
      names: model.names(runId),
      buckets: Math.max(2, buckets),
      ...(r.below(2) === 0 && { from: r.below(30) - 12 }),
      ...(r.below(2) === 0 && { to: r.below(50) }),
    }
    const charts = await store.chart(query)
    expect(charts.map((chart) => [chart.name, rowsOf(chart)])).toEqual(
      query.names.map((each) => [each, rounded(model.chart(query, each))]),
    )
  }
}

/** Ids are over all runs: how far this test's are from those of a fresh store. */
export const firstId = async (store: PointStore, runId: number): Promise<number> =>
  (await store.append({ runId, series: [{ name: 'first', values: [0] }] })).firstId

/** The store as if its first id had been 1. */
export const shifted = (store: PointStore, offset: number): PointStore => {
  const shift = (points: readonly Point[]) => points.map((p) => ({ ...p, id: p.id - offset }))
  return {
    ...store,
    list: async (query) => shift(await store.list(query)),
    history: async (runId, name) => {
      const found = await store.history(runId, name)
      return found && { ...found, ids: found.ids.map((id) => id - offset) }
    },
    async *since(runId, since) {
      for await (const page of store.since(runId, since + offset)) yield shift(page)
    },
  }
}
