/** What the policy sees of a change: of each place what was read, and what was flagged. */
import { has, sign } from '../turns.ts'
import { type Change, defects, flagOf, places } from './change.ts'

/** Then the change is merged unread. */
export const maxSteps = 14
const perPlace = 2 * defects.length + 2
export const observations = places * perPlace + 1

export type Seen = Pick<Change, 'places' | 'inspected' | 'traced' | 'flagged'>

export const writeObservation = (into: Float32Array, seen: Seen, steps: number): void => {
  into.fill(0)
  for (let i = 0; i < places; i++) {
    const place = seen.places[i]
    if (!place) continue
    const at = i * perPlace
    if (has(seen.inspected, i)) {
      into[at + place.kind] = 1
      into[at + defects.length] = sign(place.isSuspect)
    }
    if (has(seen.traced, i)) into[at + defects.length + 1] = sign(place.isExposed)
    for (let kind = 0; kind < defects.length; kind++) {
      if (has(seen.flagged, flagOf(i, kind))) into[at + defects.length + 2 + kind] = 1
    }
  }
  into[observations - 1] = steps / maxSteps
}
