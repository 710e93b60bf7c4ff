/** Finds points that are stored already: same series, step, given time and value. */
import type { Queries } from '../../../src/sdk.ts'
import { type ChunkRef, chunksOf, loadIndexes, readChunks } from './chunks.ts'
import type { Runs } from './runs.ts'
import type { OpenBatch, RunState, Series } from './state.ts'
import { At } from './summary.ts'

/** A point as a key: the values by their bits, so that NaN equals NaN. */
export const pointKey = (step: number, time: number, value: number): string =>
  `${step} ${time} ${Object.is(value, -0) ? '-0' : value}`

/** What to look for in one series: points within these bounds. */
export interface Suspects {
  readonly seriesId: number
  minStep: number
  maxStep: number
  minTime: number
  maxTime: number
}

/** Widens the bounds of a series by one point that may be stored already. */
export const addSuspect = (
  all: Map<number, Suspects>,
  seriesId: number,
  step: number,
  time: number,
): void => {
  const known = all.get(seriesId)
  if (!known) {
    all.set(seriesId, { seriesId, minStep: step, maxStep: step, minTime: time, maxTime: time })
    return
  }
  known.minStep = Math.min(known.minStep, step)
  known.maxStep = Math.max(known.maxStep, step)
  known.minTime = Math.min(known.minTime, time)
  known.maxTime = Math.max(known.maxTime, time)
}

const within = (s: Suspects, step: number, time: number): boolean =>
  step >= s.minStep && step <= s.maxStep && time >= s.minTime && time <= s.maxTime

const overlaps = (s: Suspects, { index, at }: ChunkRef): boolean =>
  (index[at + At.maxStep] as number) >= s.minStep &&
  (index[at + At.minStep] as number) <= s.maxStep &&
  (index[at + At.maxTime] as number) >= s.minTime &&
  (index[at + At.minTime] as number) <= s.maxTime

/** Ids of stored points by series and key. */
export type Known = Map<number, Map<string, number>>

const addOpen = (known: Known, suspects: Map<number, Suspects>, batch: OpenBatch): void => {
  const { firstId, keys, steps, times, values, count } = batch
  for (let i = 0; i < count; i++) {
    const suspect = suspects.get(keys[i] as number)
    const step = steps[i] as number
    const time = times[i] as number
    if (!suspect || !within(suspect, step, time)) continue
    known.get(suspect.seriesId)?.set(pointKey(step, time, values[i] as number), firstId + i)
  }
}

const addSealed = async (
  q: Queries,
  known: Known,
  suspects: Map<number, Suspects>,
  state: RunState,
): Promise<void> => {
  const wanted = [...suspects.keys()].map((id) => state.byId.get(id)).filter((s) => s !== undefined)
  await loadIndexes(q, state, wanted)
  const refs = wanted.flatMap((series: Series) =>
    chunksOf(series).filter((ref) => overlaps(suspects.get(series.id) as Suspects, ref)),
  )
  for await (const [{ series }, points] of readChunks(q, refs)) {
    const suspect = suspects.get(series.id) as Suspects
    const found = known.get(series.id)
    for (let i = 0; i < points.count; i++) {
      const step = points.steps[i] as number
      const time = points.times[i] as number
      if (!within(suspect, step, time)) continue
      found?.set(pointKey(step, time, points.values[i] as number), points.keys[i] as number)
    }
  }
}

/** The stored points of a run that could equal the suspects. */
export const findKnown = (
  q: Queries,
  runs: Runs,
  runId: number,
  suspects: Map<number, Suspects>,
): Promise<Known> =>
  runs.consistently(q, runId, async (state) => {
    const known: Known = new Map([...suspects.keys()].map((id) => [id, new Map()]))
    await addSealed(q, known, suspects, state)
    for (const batch of state.batches) addOpen(known, suspects, batch)
    return known
  })
