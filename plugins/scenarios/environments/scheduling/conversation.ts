/** Meetings in words: what is asked for, and what calendars say. */
import type { Conversation, Environment } from '../../environment.ts'
import { bit, has, toolsAbout } from '../turns.ts'
import { busyOn, observations, type Seen, writeObservation } from './observation.ts'
import type { Calendars } from './scheduling.ts'
import { actions, asks, days, decline, hours, type Meeting, people } from './week.ts'

const calendars = (environment: Environment): Meeting => (environment as Calendars).state

const named = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1)

const idOf = ({ id }: Meeting): string => `M-${1000 + id}`

const described = (action: string): string => {
  const [verb, what = '', when = ''] = action.split('_')
  if (verb === 'ask') return `Shows when ${named(what)} is busy on ${named(when)}.`
  if (verb === 'book') return `Books ${named(what)} at ${when}:00 and ends.`
  return 'Says that no slot suits, and ends.'
}

const opened =
  /^Meeting (M-\d+): ([A-Za-z, ]+) must come\. It takes (one slot|two slots)\. By (\w+) /

const declined = 'Everybody was told that no slot suits.'
const booked = 'The invitations were sent.'

export const conversation: Conversation = {
  system:
    `You place meetings. The slots of each day begin at ${hours.join(', ')}; the days are ` +
    `${days.map(named).join(', ')}. Ask for calendars, one of a person and a day at a time, and ` +
    'only as many as you need. Then book the earliest slot at which everybody who must come is ' +
    'free, in time. A meeting of two slots needs two that follow each other on one day; book the ' +
    'first of them. Decline only when you know that no slot suits. Book nothing unasked.',
  tools: toolsAbout(
    'meeting_id',
    'The meeting at hand',
    actions.map((name) => [name, described(name)]),
  ),
  closings: [declined, booked],
  opening(environment) {
    const meeting = calendars(environment)
    const who = people.filter((_, i) => has(meeting.needed, i)).map(named)
    return (
      `Meeting ${idOf(meeting)}: ${who.join(', ')} must come. It takes ` +
      `${meeting.isLong ? 'two slots' : 'one slot'}. ` +
      `By ${named(days[meeting.lastDay - 1] ?? '')} evening it must be over.`
    )
  },
  actionOf(environment, { name, arguments: given }) {
    const action = actions.indexOf(name)
    if (action < 0) return `There is no tool ${name}`
    const id = idOf(calendars(environment))
    return given['meeting_id'] === id ? action : `meeting_id must be ${id}`
  },
  reply(environment) {
    const { last } = environment as Calendars
    if (last < 0) return ''
    if (last === decline) return declined
    if (last >= asks.length) return booked
    const [person, day] = [Math.floor(last / days.length), last % days.length]
    const busy = calendars(environment).busy[person] ?? 0
    const taken = hours.filter((_, i) => has(busy, day * hours.length + i))
    const when = taken.length === 0 ? 'free all day' : `busy at ${taken.join(', ')}`
    return `${named(people[person] ?? '')} on ${named(days[day] ?? '')}: ${when}.`
  },
  observe({ opening, calls }) {
    const [, , who = '', long, by = ''] = opened.exec(opening) ?? []
    const lastDay = 1 + days.findIndex((day) => named(day) === by)
    if (lastDay === 0) return null
    const names = who.split(', ')
    const busy = people.map(() => 0)
    let asked = 0
    for (const { name, reply } of calls) {
      const ask = asks.indexOf(name)
      if (ask < 0) continue
      asked |= bit(ask)
      const taken = (/busy at ([\d, ]+)/.exec(reply)?.[1] ?? '').split(', ').map(Number)
      const person = Math.floor(ask / days.length)
      busy[person] = (busy[person] ?? 0) | busyOn(ask % days.length, taken)
    }
    const needed = people.reduce(
      (set, one, i) => (names.includes(named(one)) ? set | bit(i) : set),
      0,
    )
    const seen: Seen = { needed, isLong: long === 'two slots', lastDay, asked, busy }
    const into = new Float32Array(observations)
    writeObservation(into, seen, calls.length)
    return into
  },
  argumentsOf: ({ opening }) => ({ meeting_id: opened.exec(opening)?.[1] ?? '' }),
}
