/** Puts runs side by side: their parameters, which of them differ, and their metrics. */
import { router, t, type Who } from '../../src/sdk.ts'
import { jsonNumber } from './numbers.ts'
import { documented, invalid, namesOf, queryOf } from './parameters.ts'
import type { PointStore, SeriesSummary } from './points/store.ts'
import type { Run } from './run-rows.ts'
import type { Runs } from './runs.ts'
import { flattenConfig } from './search/params.ts'
import type { RunState } from './state.ts'
import { anyObject, runSummarySchema, runSummaryView } from './views.ts'

export interface CompareOptions {
  readonly runs: Runs
  readonly points: PointStore
  readonly state: RunState
}

const maxRuns = 100

export const compareRoutes = (options: CompareOptions) =>
  router().get(
    '/runs/compare',
    async ({ request, who }) => {
      const query = queryOf(request)
      return compareRuns(options, who, idsOf(query), namesOf(query))
    },
    {
      response: t.Object({
        runs: t.Array(runSummarySchema),
        params: anyObject({ description: 'Key of the config, run id, value' }),
        metrics: anyObject({ description: 'Name, run id, {last, min, max, mean, count}' }),
        differing: t.Array(t.String(), { description: 'Keys whose values are not all the same' }),
      }),
      detail: {
        tags: ['runs'],
        summary: 'Compare runs',
        description: 'Parameters and metrics of up to 100 runs; nested config keys are dotted.',
        parameters: [
          {
            ...documented.requiredQuery(
              'ids',
              { type: 'array', items: { type: 'integer', minimum: 1 }, maxItems: maxRuns },
              'Run ids: repeat the key, or separate by commas',
            ),
            style: 'form',
            explode: false,
            example: [1, 2],
          },
          documented.names,
        ],
      },
    },
  )

const idsOf = (query: URLSearchParams): number[] => {
  const texts = query.getAll('ids').flatMap((list) => list.split(','))
  const ids = new Set(texts.map((text) => (/^ *\d{1,16} *$/.test(text) ? Number(text) : 0)))
  if (ids.size > maxRuns) throw invalid('query.ids', `compares at most ${maxRuns} runs`)
  if (ids.size === 0 || ids.has(0) || ![...ids].every(Number.isSafeInteger)) {
    throw invalid('query.ids', 'must be run ids such as 1,2,3')
  }
  return [...ids]
}

const compareRuns = async (
  { runs, points, state }: CompareOptions,
  who: Who,
  ids: readonly number[],
  names: readonly string[] | undefined,
) => {
  const compared: Run[] = []
  const metrics = new Map<string, Map<number, object>>()
  // One after the other: a hundred wide runs at once would crowd out everybody else.
  for (const id of ids) {
    compared.push(await runs.readable(who, id))
    for (const series of await points.summary(id, names)) {
      entryOf(metrics, series.name).set(id, seriesView(series))
    }
  }
  const params = new Map<string, Map<number, unknown>>()
  for (const { id, config } of compared) {
    for (const { key, value } of flattenConfig(config)) entryOf(params, key).set(id, value)
  }
  return {
    runs: compared.map((run) => runSummaryView(run, state)),
    params: objectOf(params),
    metrics: objectOf(metrics),
    differing: [...params]
      .filter(([, values]) => differs(values, ids))
      .map(([key]) => key)
      .sort(),
  }
}

/** A run that lacks the key differs from one that has it. */
const differs = (values: ReadonlyMap<number, unknown>, ids: readonly number[]): boolean =>
  new Set(ids.map((id) => JSON.stringify(values.get(id)))).size > 1

const seriesView = ({ last, min, max, mean, count }: SeriesSummary) => ({
  last: jsonNumber(last),
  min,
  max,
  mean,
  count,
})

const entryOf = <T>(map: Map<string, Map<number, T>>, key: string): Map<number, T> => {
  const entry = map.get(key) ?? new Map<number, T>()
  map.set(key, entry)
  return entry
}

/** Keys in order, whatever they are called: `__proto__` too. */
const objectOf = <T>(map: ReadonlyMap<string, ReadonlyMap<number, T>>): object =>
  Object.fromEntries(
    [...map]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, runs]) => [key, Object.fromEntries(runs)]),
  )
