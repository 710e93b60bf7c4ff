/** Metrics as JSON text: written by hand, since a page or a history has up to millions of them. */
import { numberJson, numbersJson } from './numbers.ts'
import type { ChartSeries, Point, SeriesHistory, SeriesSummary } from './points/store.ts'
import { microsToNaiveIso } from './time.ts'

/** The metric object of the document; also what the live channel sends. */
export const metricJson = ({ id, runId, name, value, step, time }: Point): string =>
  `{"id":${id},"run_id":${runId},"name":${JSON.stringify(name)},"value":${numberJson(value)},` +
  `"step":${step},"timestamp":"${microsToNaiveIso(time)}"}`

export const metricsJson = (points: readonly Point[]): string => {
  let text = '['
  for (const point of points) text += text === '[' ? metricJson(point) : `,${metricJson(point)}`
  return `${text}]`
}

/** How many items of a column are turned into text at once. */
const sliceLength = 10_000

/** A history piece by piece: a long one never stands in memory as one text. */
export function* historyJson({ name, values, steps, times, ids }: SeriesHistory): Iterable<string> {
  yield `{"name":${JSON.stringify(name)},"values":`
  yield* columnJson(values, numbersJson)
  yield ',"steps":'
  yield* columnJson(steps, numbersJson)
  yield ',"timestamps":'
  yield* columnJson(times, timesJson)
  yield ',"ids":'
  yield* columnJson(ids, numbersJson)
  yield '}'
}

type SliceJson = (column: Float64Array, start: number, end: number) => string

function* columnJson(column: Float64Array, sliceJson: SliceJson): Iterable<string> {
  yield '['
  for (let start = 0; start < column.length; start += sliceLength) {
    const text = sliceJson(column, start, Math.min(start + sliceLength, column.length))
    yield start === 0 ? text.slice(1, -1) : `,${text.slice(1, -1)}`
  }
  yield ']'
}

const timesJson: SliceJson = (times, start, end) => {
  let text = '['
  for (let i = start; i < end; i++) {
    text += `${i === start ? '"' : ',"'}${microsToNaiveIso(times[i]!)}"`
  }
  return `${text}]`
}

export const summariesJson = (series: readonly SeriesSummary[]): string =>
  `[${series.map(summaryJson).join(',')}]`

const orNull = (value: number | null): string => (value === null ? 'null' : numberJson(value))

const summaryJson = (series: SeriesSummary): string =>
  `{"name":${JSON.stringify(series.name)},"current_value":${numberJson(series.last)},` +
  `"min_value":${orNull(series.min)},"max_value":${orNull(series.max)},` +
  `"mean_value":${orNull(series.mean)},"total_points":${series.count},` +
  `"non_finite":${series.nonFinite},"last_step":${series.lastStep},` +
  `"last_timestamp":"${microsToNaiveIso(series.lastTime)}"}`

export const chartsJson = (charts: readonly ChartSeries[]): string =>
  `[${charts.map(chartJson).join(',')}]`

const chartJson = (chart: ChartSeries): string =>
  `{"name":${JSON.stringify(chart.name)},"exact":${chart.exact},"width":${chart.width},` +
  `"steps":${numbersJson(chart.steps)},"min":${numbersJson(chart.min)},` +
  `"max":${numbersJson(chart.max)},"mean":${numbersJson(chart.mean)},` +
  `"last":${numbersJson(chart.last)},"count":${numbersJson(chart.count)},` +
  `"non_finite":${numbersJson(chart.nonFinite)}}`
