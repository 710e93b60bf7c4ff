/** Reads the lines that a job's program appends to its events file. */

export interface MetricEvent {
  readonly type: 'metric'
  readonly name: string
  readonly value: number
  /** Absent: the number of points that the metric had before. */
  readonly step?: number
  /** Microseconds since the epoch. */
  readonly time?: number
}

export interface ProgressEvent {
  readonly type: 'progress'
  readonly done: number
  readonly total: number | null
  readonly message: string | null
}

export type KnownEvent =
  | MetricEvent
  | ProgressEvent
  | { readonly type: 'artifact'; readonly path: string }
  | { readonly type: 'checkpoint'; readonly path: string; readonly step: number | null }
  | { readonly type: 'message'; readonly text: string; readonly level: string }

export interface EventLine {
  /** Where in the stream the line begins. */
  readonly offset: number
  /** The line as it was written; null when it holds no event. */
  readonly json: Readonly<Record<string, unknown>> | null
  /** What the program understands of it; null for types it does not know. */
  readonly event: KnownEvent | null
  readonly problem: string | null
}

export interface ParsedEvents {
  readonly lines: readonly EventLine[]
  /** Bytes of whole lines. */
  readonly consumed: number
}

const maxTextLength = 10_000
const maxNameLength = 250
const newline = 10

/** `final`: what stands after the last newline is a line as well. */
export const parseEvents = (
  bytes: Uint8Array,
  options: { readonly base: number; readonly maxLines: number; readonly final?: boolean },
): ParsedEvents => {
  const { base, maxLines, final = false } = options
  const lines: EventLine[] = []
  let at = 0
  while (at < bytes.length && lines.length < maxLines) {
    const found = bytes.indexOf(newline, at)
    if (found < 0 && !final) break
    const end = found < 0 ? bytes.length : found
    const text = decoder.decode(bytes.subarray(at, end)).trim()
    if (text !== '') lines.push(parseLine(text, base + at))
    at = found < 0 ? end : found + 1
  }
  return { lines, consumed: at }
}

const decoder = new TextDecoder()

const parseLine = (text: string, offset: number): EventLine => {
  const broken = (problem: string): EventLine => ({ offset, json: null, event: null, problem })
  let json: unknown
  try {
    json = parseJson(text)
  } catch {
    return broken('it is not JSON')
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return broken('it is not a JSON object')
  }
  const fields = json as Record<string, unknown>
  if (typeof fields['type'] !== 'string' || fields['type'] === '') return broken('it has no type')
  const read = readers[fields['type']]
  const event = read ? read(fields) : null
  if (typeof event === 'string') return broken(event)
  return { offset, json: fields, event, problem: null }
}

/** Python's `json.dumps` writes NaN and the infinities as bare words: they are read as strings. */
const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    const mended = text.replace(/"(?:\\.|[^"\\])*"|-?\bInfinity\b|\bNaN\b/g, (found) =>
      found.startsWith('"') ? found : `"${found}"`,
    )
    if (mended === text) throw error
    return JSON.parse(mended)
  }
}

const numberIn = (value: unknown): number | null => {
  if (typeof value === 'number') return value
  if (value === 'NaN') return Number.NaN
  if (value === 'Infinity') return Number.POSITIVE_INFINITY
  return value === '-Infinity' ? Number.NEGATIVE_INFINITY : null
}

/** Seconds since the epoch, or a text that says its zone (UTC without one). */
const microsIn = (time: unknown): number | undefined => {
  if (typeof time === 'number' && Number.isFinite(time)) return Math.round(time * 1e6)
  if (typeof time !== 'string') return undefined
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/i.test(time) ? time : `${time}Z`
  const ms = Date.parse(zoned)
  return Number.isNaN(ms) ? undefined : ms * 1000
}

/** PostgreSQL keeps no NUL in text. */
export const plainText = (text: string): string =>
  text.slice(0, maxTextLength).replaceAll('\0', '\uFFFD').toWellFormed()

const control = /[\u0000-\u001f\u007f]/

const isName = (name: unknown): name is string =>
  typeof name === 'string' &&
  name !== '' &&
  name.length <= maxNameLength &&
  !control.test(name) &&
  name.isWellFormed()

type Reader = (fields: Readonly<Record<string, unknown>>) => KnownEvent | string

const readPath: Reader = ({ type, path, step }) => {
  if (typeof path !== 'string' || path === '') return 'it has no path'
  if (type === 'artifact') return { type, path: plainText(path) }
  const at = Number.isSafeInteger(step) ? (step as number) : null
  return { type: 'checkpoint', path: plainText(path), step: at }
}

const readers: Readonly<Record<string, Reader>> = {
  __proto__: null as never,
  metric: ({ name, value, step, time }) => {
    if (!isName(name)) return 'it has no usable name'
    const number = numberIn(value)
    if (number === null) return 'its value is not a number'
    const micros = microsIn(time)
    return {
      type: 'metric',
      name,
      value: number,
      ...(Number.isSafeInteger(step) && { step: step as number }),
      ...(micros !== undefined && { time: micros }),
    }
  },
  progress: ({ done, total, message }) => {
    if (typeof done !== 'number' || !(done >= 0)) return 'its done is not a number'
    return {
      type: 'progress',
      done,
      total: typeof total === 'number' && total > 0 ? total : null,
      message: typeof message === 'string' ? plainText(message) : null,
    }
  },
  artifact: readPath,
  checkpoint: readPath,
  message: ({ text, level }) =>
    typeof text === 'string'
      ? {
          type: 'message',
          text: plainText(text),
          level: typeof level === 'string' ? level.slice(0, 20) : 'info',
        }
      : 'it has no text',
}
