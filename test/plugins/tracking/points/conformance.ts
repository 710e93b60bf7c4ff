/** What every point store does, whatever database it is on: random use beside the simple model. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { AppendInput, Point, PointStore } from '../../../../plugins/tracking/points/store.ts'
import { collect, compare, firstId, shifted } from './comparison.ts'
import { dialects, type StoreUnderTest } from './fixture.ts'
import { Model, type Random, random } from './model.ts'

const values = [0.1, 0.25, -3, 7, 1e300, NaN, Infinity, -Infinity, -0]

/** Steps and times out of few, so that repeats, ties and disorder are common. */
const batch = (r: Random, runId: number): AppendInput => {
  const series = Array.from({ length: 1 + r.below(3) }, () => {
    const length = r.below(6)
    const column = (value: () => number) => Array.from({ length }, value)
    return {
      name: r.pick(['loss', 'train/acc', '__proto__', 'a b', 'ü']),
      values: column(() => r.pick(values)),
      ...(r.below(4) > 0 && { steps: column(() => r.below(50) - 10) }),
      ...(r.below(3) > 0 && { times: column(() => 1_700_000_000_000_000 + r.below(9) * 1000) }),
    }
  })
  return { runId, series, ...(r.below(3) === 0 && { batchId: `batch ${r.below(40)}` }) }
}

export const conformance = (dialect: keyof typeof dialects): void => {
  describe(`points on ${dialect}`, () => {
    let under: StoreUnderTest
    let nextRun = 1
    beforeAll(async () => {
      under = await dialects[dialect]()
    })
    afterAll(() => under.close())

    test.each([1, 2, 3, 4])('random use equals the model, seed %d', async (seed) => {
      const r = random(seed)
      const runs = [nextRun++, nextRun++]
      const model = new Model()
      let store = under.store
      const offset = await firstId(store, nextRun++)
      for (let round = 0; round < 60; round++) {
        const input = batch(r, r.pick(runs))
        under.clock.advance(r.below(3))
        const appended = await store.append(input)
        const expected = model.append(input, under.clock.now() * 1000)
        expect(appended).toEqual({ ...expected, firstId: expected.firstId + offset })
        if (r.below(12) === 0) await under.seal()
        if (r.below(20) === 0) store = await under.another()
        if (r.below(25) === 0) {
          const step = r.below(40)
          const runId = r.pick(runs)
          await store.truncate(runId, step)
          model.truncate(runId, step)
        }
        if (round % 6 === 0) await compare(shifted(store, offset), model, r.pick(runs), r)
      }
      for (const runId of runs) await compare(shifted(store, offset), model, runId, r)
    })

    test('concurrent appends share commits, each with ids of its own', async () => {
      const runId = nextRun++
      const results = await Promise.all(
        Array.from({ length: 200 }, (_, i) =>
          under.store.append({
            runId: runId + (i % 3) * 1000,
            series: [{ name: `m${i % 7}`, values: [i, i + 0.5], steps: [i, i] }],
          }),
        ),
      )
      const ids = results.flatMap(({ firstId, stored }) =>
        Array.from({ length: stored }, (_, i) => firstId + i),
      )
      const sorted = ids.toSorted((a, b) => a - b)
      expect(sorted).toEqual(Array.from({ length: 400 }, (_, i) => (sorted[0] as number) + i))
      const points = await collect(under.store, runId, 0)
      const own = results.filter((_, i) => i % 3 === 0).map(({ firstId }) => firstId)
      expect(points.filter(({ id }) => own.includes(id)).map(({ value }) => value)).toEqual(
        Array.from({ length: 67 }, (_, i) => i * 3),
      )
    })

    test('one batch id, many times at once and on two servers, is stored once', async () => {
      const runId = nextRun++
      const other = await under.another()
      const input = { runId, series: [{ name: 'loss', values: [1, 2] }], batchId: 'once' }
      const results = await Promise.all(
        [under.store, other, under.store, other, under.store].map((store) => store.append(input)),
      )
      expect(new Set(results.map(({ firstId }) => firstId)).size).toBe(1)
      expect((await under.store.summary(runId))[0]?.count).toBe(2)
      expect((await other.summary(runId))[0]?.count).toBe(2)
    })

    test('repeated points are found on two servers, in chunks and in one group', async () => {
      const runId = nextRun++
      const other = await under.another()
      const count = 3000
      const series = [
        {
          name: 'loss',
          values: Array.from({ length: count }, (_, i) => (i % 10 === 0 ? NaN : i)),
          steps: Array.from({ length: count }, (_, i) => i),
          times: Array.from({ length: count }, (_, i) => i * 5),
        },
      ]
      const first = await Promise.all([
        under.store.append({ runId, series }),
        under.store.append({ runId, series }),
      ])
      await under.seal()
      const again = await other.append({ runId, series })
      const twice = await under.store.append({ runId, series: [...series, ...series] })
      expect([...first, again, twice].map(({ stored, repeated }) => [stored, repeated])).toEqual([
        [count, 0],
        [0, count],
        [0, count],
        [0, 2 * count],
      ])
    })

    test('far-apart steps of ranks in one series: repeats are found, new points kept', async () => {
      const runId = nextRun++
      const [ranks, batches, size] = [8, 6, 500]
      const batchOf = (rank: number, batch: number) => {
        const steps = Array.from({ length: size }, (_, i) => rank * 1e7 + batch * size + i)
        const times = steps.map((step) => 1.7e15 + step * 1000)
        return { runId, series: [{ name: 'loss', values: steps.map(Math.sqrt), steps, times }] }
      }
      const each = async (store: PointStore, from: number, to: number) => {
        let stored = 0
        for (let batch = from; batch < to; batch++) {
          for (let rank = 0; rank < ranks; rank++)
            stored += (await store.append(batchOf(rank, batch))).stored
        }
        return stored
      }
      const all = ranks * batches * size
      const first = await each(under.store, 0, batches)
      await under.seal()
      // A store that knows of the series only what its chunks add up to.
      const other = await under.another()
      const resent = await each(other, 1, batches)
      const resumed = await each(other, batches - 1, batches + 1)
      const both = await each(under.store, 0, batches + 1)
      const [{ count } = { count: 0 }] = await under.store.summary(runId)
      expect({ first, resent, resumed, both, count }).toEqual({
        first: all,
        resent: 0,
        resumed: ranks * size,
        both: 0,
        count: all + ranks * size,
      })
    })

    test('readers on two servers see whole batches while chunks are made', async () => {
      const runId = nextRun++
      const other = await under.another()
      const stores = [under.store, other]
      const size = 2000
      let acknowledged = 0
      let writing = true
      const write = async (store: PointStore, writer: number) => {
        for (let from = 0; from < 40 * size; from += size) {
          const steps = Array.from({ length: size }, (_, i) => from + i)
          await store.append({ runId, series: [{ name: `w${writer}`, values: steps, steps }] })
          acknowledged++
        }
      }
      const read = async (store: PointStore) => {
        let reads = 0
        for (; writing; reads++) {
          const before = acknowledged
          const counts = (await store.summary(runId)).map(({ count }) => count)
          const history = await store.history(runId, 'w1')
          const [chart] = await store.chart({ runId, names: ['w1'], buckets: 100 })
          const length = history?.steps.length ?? 0
          expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(
            before * size,
          )
          expect(counts.filter((count) => count % size !== 0)).toEqual([])
          expect(length % size).toBe(0)
          expect(history?.steps.findIndex((step, i) => step !== i) ?? -1).toBe(-1)
          const charted = Array.from(chart?.count ?? []).reduce((sum, count) => sum + count, 0)
          expect(charted).toBeGreaterThanOrEqual(length)
          // Reads of the embedded database alone never leave the loop to the writers.
          await new Promise((resolve) => setImmediate(resolve))
        }
        return reads
      }
      const readers = [...stores, ...stores].map(read)
      await Promise.all(stores.map(write))
      writing = false
      for (const reads of await Promise.all(readers)) expect(reads).toBeGreaterThan(0)
      expect(await under.rowCount('tracking_chunk')).toBeGreaterThan(30)
      expect((await other.summary(runId)).map(({ count }) => count)).toEqual([40 * size, 40 * size])
    })

    test('reads at the same moment count a new batch once', async () => {
      const runId = nextRun++
      const append = () =>
        under.store.append({ runId, series: [{ name: 'loss', values: [1, 2, 3] }] })
      const count = async () => (await under.store.summary(runId))[0]?.count
      await append()
      expect(await count()).toBe(3)
      await append()
      expect(await Promise.all([count(), count(), count()])).toEqual([6, 6, 6])
      expect(await count()).toBe(6)
    })

    test('a fork holds the points below the step, in order, under new ids', async () => {
      const [from, to] = [nextRun++, nextRun++]
      const same = [{ name: 'loss', values: [1, 1, 2], steps: [0, 0, 9] }]
      await under.store.append({ runId: from, series: same })
      await under.seal()
      await under.store.append({ runId: from, series: [{ name: 'b', values: [NaN], steps: [3] }] })
      await under.store.copy(from, to, 5)
      const plain = async (runId: number) =>
        (await collect(under.store, runId, 0)).map(({ name, value, step, time }) => ({
          name,
          value,
          step,
          time,
        }))
      expect(await plain(to)).toEqual((await plain(from)).filter(({ step }) => step < 5))
    })

    test('a deleted run leaves no row behind', async () => {
      const runId = nextRun++
      await under.store.append({ runId, series: [{ name: 'loss', values: [1, 2] }] })
      await under.seal()
      const left = async () => {
        const tables = ['batch', 'series', 'chunk', 'chunk_data', 'batch_key', 'seal'] as const
        const counts = []
        for (const table of tables) counts.push([table, await under.rowCount(`tracking_${table}`)])
        return counts
      }
      const before = await left()
      const gone = nextRun++
      const series = [{ name: 'x', values: Array.from({ length: 5000 }, (_, i) => i) }]
      await under.store.append({ runId: gone, series, batchId: 'b' })
      await under.seal()
      await under.store.append({ runId: gone, series, batchId: 'c' })
      await under.store.delete(gone)
      expect(await left()).toEqual(before)
      expect(await under.store.list({ runId: gone, skip: 0, limit: 10 })).toEqual([])
    })

    test('listeners hear of what was stored, in order of id, and of nothing else', async () => {
      const runId = nextRun++
      const store = await under.another()
      const heard: Point[] = []
      store.onAppended((_, points) => heard.push(...points))
      const series = [{ name: 'loss', values: [1, NaN], steps: [1, 2], times: [10, 20] }]
      await Promise.all([
        store.append({ runId, series }),
        store.append({ runId, series }),
        store.append({ runId, series: [{ name: 'acc', values: [0.5] }] }),
      ])
      expect(heard).toEqual(await collect(store, runId, 0))
    })

    test('plain SQL finds every acknowledged point in the flushed summaries', async () => {
      const runId = nextRun++
      const append = (name: string, value: number) =>
        under.store.append({ runId, series: [{ name, values: [value], steps: [4] }] })
      await append('a', 1)
      await under.seal()
      await append('a', 3)
      await append('b', NaN)
      await under.store.flushSummaries()
      expect(await under.searchable(runId)).toEqual([
        { name: 'a', last_value: 3, last_step: 4, min_value: 1, max_value: 3, count: 2 },
        { name: 'b', last_value: null, last_step: 4, min_value: null, max_value: null, count: 1 },
      ])
    })
  })
}
