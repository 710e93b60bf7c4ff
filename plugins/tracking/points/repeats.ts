/** Finds points that are stored already: same series, step, given time and value. */
import type { Queries } from '../../../src/sdk.ts'
import { type ChunkRef, chunksOf, loadIndexes, readChunks } from './chunks.ts'
import { Coverage } from './coverage.ts'
import type { Runs } from './runs.ts'
import type { OpenBatch, RunState, Series } from './state.ts'
import { At } from './summary.ts'

/** A point as a key: the values by their bits, so that NaN equals NaN. */
export const pointKey = (step: number, time: number, value: number): string =>
  `${step} ${time} ${Object.is(value, -0) ? '-0' : value}`

/** Where to look for points of each series that may be stored already. */
export type Suspects = ReadonlyMap<number, Coverage>

/** Chunks of one series that are worth learning from where its points really are. */
const MANY_CHUNKS = 16

const overlaps = (suspect: Coverage, { index, at }: ChunkRef): boolean =>
  suspect.meets({
    minStep: index[at + At.minStep] as number,
    maxStep: index[at + At.maxStep] as number,
    minTime: index[at + At.minTime] as number,
    maxTime: index[at + At.maxTime] as number,
  })

/** Ids of stored points by series and key. */
export type Known = ReadonlyMap<number, Map<string, number>>

const addOpen = (known: Known, suspects: Suspects, batch: OpenBatch): void => {
  const { firstId, keys, steps, times, values, count, box } = batch
  let key = Number.NaN
  let suspect: Coverage | undefined
  for (let i = 0; i < count; i++) {
    if (keys[i] !== key) {
      key = keys[i] as number
      suspect = suspects.get(key)
      if (!suspect?.meets(box)) suspect = undefined
    }
    const step = steps[i] as number
    const time = times[i] as number
    if (!suspect?.holds(step, time)) continue
    known.get(key)?.set(pointKey(step, time, values[i] as number), firstId + i)
  }
}

const addSealed = async (
  q: Queries,
  known: Known,
  suspects: Suspects,
  state: RunState,
): Promise<void> => {
  const wanted = [...suspects.keys()].map((id) => state.byId.get(id)).filter((s) => s !== undefined)
  await loadIndexes(q, state, wanted)
  const learned = new Map<Series, Coverage>()
  const refs = wanted.flatMap((series) => {
    const all = chunksOf(series)
    const near = all.filter((ref) => overlaps(suspects.get(series.id) as Coverage, ref))
    if (near.length < MANY_CHUNKS || series.learned) return near
    learned.set(series, new Coverage())
    return all
  })
  for await (const [{ series }, points] of readChunks(q, refs, state.payloads)) {
    const suspect = suspects.get(series.id) as Coverage
    const coverage = learned.get(series)
    const found = known.get(series.id)
    for (let i = 0; i < points.count; i++) {
      const step = points.steps[i] as number
      const time = points.times[i] as number
      coverage?.addPoint(step, time)
      if (!suspect.holds(step, time)) continue
      found?.set(pointKey(step, time, points.values[i] as number), points.keys[i] as number)
    }
  }
  for (const [series, coverage] of learned) state.learn(series, coverage)
}

/** The stored points of a run that could equal the suspects. */
export const findKnown = (
  q: Queries,
  runs: Runs,
  runId: number,
  suspects: Suspects,
): Promise<Known> =>
  runs.consistently(q, runId, async (state) => {
    const known: Known = new Map([...suspects.keys()].map((id) => [id, new Map()]))
    await addSealed(q, known, suspects, state)
    for (const batch of state.batches) addOpen(known, suspects, batch)
    return known
  })
