/** Times as the document writes them: naive ISO text that means UTC, kept as integers inside. */
import { HearthError } from '../../src/sdk.ts'

const MICROS_PER_DAY = 86_400_000_000

const two = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'))

/** Series are read in order of time, so that the next point is nearly always on the same day. */
let cachedDay = Number.NaN
let cachedDayText = ''

const dayText = (day: number): string => {
  if (day !== cachedDay) {
    cachedDay = day
    cachedDayText = new Date(day * 86_400_000).toISOString().slice(0, -14)
  }
  return cachedDayText
}

/** Microseconds since the epoch as `2023-01-01T00:00:00`, with six more digits when they matter. */
export const microsToNaiveIso = (micros: number): string => {
  const day = Math.floor(micros / MICROS_PER_DAY)
  const rest = micros - day * MICROS_PER_DAY
  const second = Math.floor(rest / 1_000_000)
  const fraction = rest - second * 1_000_000
  const hour = (second / 3600) | 0
  const minute = ((second % 3600) / 60) | 0
  const text = `${dayText(day)}T${two[hour]}:${two[minute]}:${two[second % 60]}`
  return fraction === 0 ? text : `${text}.${String(fraction).padStart(6, '0')}`
}

/** Milliseconds since the epoch as naive UTC text. */
export const toNaiveIso = (ms: number): string => microsToNaiveIso(Math.round(ms * 1000))

const day = /(?<day>\d{4}-\d\d-\d\d)/
const clock = /(?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d)/
const seconds = /(?::(?<second>[0-5]\d)(?:[.,](?<digits>\d{1,9}))?)?/
const zone = /(?:[Zz]|(?<sign>[+-])(?<offsetHour>[01]\d|2[0-3]):?(?<offsetMinute>[0-5]\d)?)?/
const iso = new RegExp(`^${day.source}(?:[Tt ]${clock.source}${seconds.source}${zone.source})?$`)

/**
 * Reads ISO 8601: naive text means UTC, `Z` and offsets are honoured; digits below a microsecond
 * are cut off.
 * @returns microseconds since the epoch
 * @throws HearthError `bad_request` when the text is no time, or one that 2^53 cannot hold
 */
export const parseTime = (text: string): number => {
  const parts = iso.exec(text)?.groups
  if (!parts) throw notATime(text)
  const { day = '', hour = 0, minute = 0, second = 0, digits = '' } = parts
  const { sign, offsetHour = 0, offsetMinute = 0 } = parts
  const midnight = new Date(`${day}T00:00:00Z`)
  // A day that the month lacks is carried over by some engines and refused by others.
  if (midnight.getUTCDate() !== Number(day.slice(8))) throw notATime(text)
  const offset = (sign === '-' ? -60 : 60) * (+offsetHour * 60 + +offsetMinute)
  const ofDay = +hour * 3600 + +minute * 60 + +second
  const micros =
    (midnight.getTime() / 1000 + ofDay - offset) * 1_000_000 +
    Number(digits.slice(0, 6).padEnd(6, '0'))
  if (!Number.isSafeInteger(micros)) {
    throw new HearthError('bad_request', `The time ${shown(text)} is not between 1685 and 2255`)
  }
  return micros
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 60))

const notATime = (text: string): HearthError =>
  new HearthError(
    'bad_request',
    `${shown(text)} is not a time; write it as 2023-01-01T00:00:00 (UTC, or with an offset)`,
  )
