/**
 * What the policy sees: what is asked for, the calendars that were asked for, and the same laid
 * over each other, as calendar programs show them. Networks this small learn the overlay badly.
 */
import { sign, bit, has } from '../turns.ts'
import { asks, days, hours, knownSlots, type Meeting, people, slots, togetherOf } from './week.ts'

/** Then everybody has gone home. */
export const maxSteps = 12
const request = people.length + 1 + days.length
const overlay = people.length * slots + request + 1
const asking = overlay + slots
export const observations = asking + asks.length

export type Seen = Pick<Meeting, 'needed' | 'isLong' | 'lastDay' | 'asked' | 'busy'>

export const writeObservation = (into: Float32Array, seen: Seen, steps: number): void => {
  into.fill(0)
  for (const person of people.keys()) {
    const known = knownSlots(seen, person)
    const busy = seen.busy[person] ?? 0
    for (let slot = 0; slot < slots; slot++) {
      if (has(known, slot)) into[person * slots + slot] = -sign(has(busy, slot))
    }
  }
  const at = people.length * slots
  for (const person of people.keys()) into[at + person] = has(seen.needed, person) ? 1 : 0
  into[at + people.length] = seen.isLong ? 1 : 0
  into[at + people.length + seen.lastDay] = 1
  into[at + request] = steps / maxSteps
  const { free, busy } = togetherOf(seen)
  for (let slot = 0; slot < slots; slot++) {
    into[overlay + slot] = has(free, slot) ? 1 : has(busy, slot) ? -1 : 0
  }
  for (const ask of asks.keys()) into[asking + ask] = has(seen.asked, ask) ? 1 : 0
}

/** The taken slots of one day, as a set of the week. */
export const busyOn = (day: number, taken: readonly number[]): number =>
  taken.reduce((set, hour) => {
    const index = hours.findIndex((one) => one === hour)
    return index < 0 ? set : set | bit(day * hours.length + index)
  }, 0)
