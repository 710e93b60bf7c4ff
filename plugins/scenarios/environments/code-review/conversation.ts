/** Reviews in words: diffs, what is around them, and what a reviewer notes. */
import type { Conversation, Environment } from '../../environment.ts'
import { bit, toolsAbout } from '../turns.ts'
import { actions, approve, type Change, defects, flagsFrom, type Place, places } from './change.ts'
import type { Review } from './code-review.ts'
import { observations, type Seen, writeObservation } from './observation.ts'
import { diffOf, placeOf } from './templates.ts'

const exposed = 'Values come from requests as they are; callers neither check nor clean up.'
const sheltered = 'Values are checked before they come here; callers clean up after it.'

const described = (action: string): string => {
  const [verb, place, ...kind] = action.split('_')
  if (verb === 'inspect') return `Shows the diff of place ${place}.`
  if (verb === 'trace') return `Shows where values of place ${place} come from and who calls it.`
  if (verb === 'flag') return `Flags place ${place}: ${kind.join(' ')}.`
  return verb === 'approve' ? 'Approves the change and ends.' : 'Sends it back and ends.'
}

const changeOf = (environment: Environment): Change => (environment as Review).state

const idOf = ({ id }: Change): string => `C-${1000 + id}`

const opened = /^Change (C-\d+): \d+ places, at lines [\d, ]+\.$/

/** Stands where nothing was read. */
const blank: Place = { kind: 0, wording: 0, isSuspect: false, isExposed: false }

const approved = 'The change is approved.'
const requested = 'Changes are requested.'

export const conversation: Conversation = {
  system:
    `You review changes of ${places} places. Inspect every place. Code that looks like an ` +
    'injection, a null access or a resource leak is a defect only if what is around it lets it ' +
    'be one: trace it then. A loop or an index that goes one too far and a secret in the code ' +
    'are defects wherever they are. Flag each defect at its place by its kind, nothing else; ' +
    'then request changes, or approve if there is none.',
  tools: toolsAbout(
    'change_id',
    'The change under review',
    actions.map((name) => [name, described(name)]),
  ),
  closings: [approved, requested],
  opening(environment) {
    const change = changeOf(environment)
    return `Change ${idOf(change)}: ${places} places, at lines ${change.lines.join(', ')}.`
  },
  actionOf(environment, { name, arguments: given }) {
    const action = actions.indexOf(name)
    if (action < 0) return `There is no tool ${name}`
    const id = idOf(changeOf(environment))
    return given['change_id'] === id ? action : `change_id must be ${id}`
  },
  reply(environment) {
    const { last } = environment as Review
    const change = changeOf(environment)
    if (last < 0) return ''
    if (last >= approve) {
      return last === approve ? approved : requested
    }
    if (last >= flagsFrom) {
      const flag = last - flagsFrom
      const line = change.lines[Math.floor(flag / defects.length)]
      return `Noted at line ${line}: ${defects[flag % defects.length]?.replaceAll('_', ' ')}.`
    }
    const place = change.places[last % places]
    if (!place) return ''
    if (last >= places) return place.isExposed ? exposed : sheltered
    return `@@ line ${change.lines[last % places]} @@\n${diffOf(place)}`
  },
  observe({ opening, calls }) {
    if (!opened.test(opening)) return null
    const read = Array.from({ length: places }, () => blank)
    let [inspected, traced, flagged] = [0, 0, 0]
    for (const { name, reply } of calls) {
      const action = actions.indexOf(name)
      if (action < 0 || action >= approve) continue
      if (action >= flagsFrom) {
        flagged |= bit(action - flagsFrom)
        continue
      }
      const index = action % places
      const known = read[index] ?? blank
      if (action >= places) {
        traced |= bit(index)
        read[index] = { ...known, isExposed: reply === exposed }
        continue
      }
      const place = placeOf(reply.slice(reply.indexOf('\n') + 1))
      if (!place) continue
      inspected |= bit(index)
      read[index] = { ...place, isExposed: known.isExposed }
    }
    const seen: Seen = { places: read, inspected, traced, flagged }
    const into = new Float32Array(observations)
    writeObservation(into, seen, calls.length)
    return into
  },
  argumentsOf: ({ opening }) => ({ change_id: opened.exec(opening)?.[1] ?? '' }),
}
