/** Points as lines of text: CSV for spreadsheets and data frames, JSONL for programs. */
import { numberJson } from '../numbers.ts'
import type { Point } from '../points/store.ts'
import { microsToNaiveIso } from '../time.ts'

export type PointPages = AsyncIterable<readonly Point[]>

/** RFC 4180, except that lines end in a bare line feed, as data frames write them. */
export async function* csvLines(pages: PointPages): AsyncGenerator<string> {
  yield 'id,name,step,timestamp,value\n'
  for await (const points of pages) {
    let text = ''
    for (const { id, name, step, time, value } of points) {
      text += `${id},${csvCell(name)},${step},${fixedIso(time)},${spelled(value)}\n`
    }
    yield text
  }
}

/** Each line is the metric object of the REST routes. */
export async function* jsonLines(pages: PointPages): AsyncGenerator<string> {
  for await (const points of pages) {
    let text = ''
    for (const { id, runId, name, step, time, value } of points) {
      text +=
        `{"id":${id},"run_id":${runId},"name":${JSON.stringify(name)},` +
        `"value":${numberJson(value)},"step":${step},"timestamp":"${microsToNaiveIso(time)}"}\n`
    }
    yield text
  }
}

const csvCell = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text

/** All times of a column look alike, or pandas would not find out their format. */
const fixedIso = (micros: number): string => {
  const text = microsToNaiveIso(micros)
  return text.includes('.') ? text : `${text}.000000`
}

/** `NaN`, `Infinity`, `-Infinity`: Python, R and JavaScript read these; -0 keeps its sign. */
const spelled = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))
