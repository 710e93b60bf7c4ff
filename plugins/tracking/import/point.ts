/** What every reader of a file makes: a point, or the reason why the file is refused. */
import { HearthError } from '../../../src/sdk.ts'

export interface ImportedPoint {
  readonly name: string
  readonly value: number
  readonly step: number
  /** Microseconds since the epoch. */
  readonly time: number
}

/** `place` is where a person would look: `line 3`, `byte 4096`. */
export const refused = (place: string, problem: string): HearthError =>
  new HearthError('bad_request', `The file cannot be read at ${place}: ${problem}`)

/** A step as the store keeps it. @throws HearthError `bad_request` */
export const toStep = (value: number, place: string): number => {
  if (!Number.isSafeInteger(value)) throw refused(place, 'a step is a whole number within ±2^53')
  return value + 0
}

/** A time as the store keeps it. @throws HearthError `bad_request` */
export const toTime = (micros: number, place: string): number => {
  const time = Math.round(micros)
  if (!Number.isSafeInteger(time)) throw refused(place, 'the time is out of range')
  return time
}
