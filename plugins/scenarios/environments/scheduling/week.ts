/** A week of slots, the people and their calendars, and which slot is right for a meeting. */
import type { Random } from '../../random.ts'
import { bit, has } from '../turns.ts'

export const people = ['ada', 'ben', 'cleo'] as const
export const days = ['monday', 'tuesday', 'wednesday'] as const
export const hours = [9, 11, 14, 16] as const
export const slots = days.length * hours.length

/** The kinds of meeting. */
export const kinds = ['pair', 'group', 'long', 'urgent'] as const
export type Kind = (typeof kinds)[number]

/** In the order of their numbers: asking for calendars, booking slots, giving up. */
export const asks = people.flatMap((person) => days.map((day) => `ask_${person}_${day}`))
export const bookings = days.flatMap((day) => hours.map((hour) => `book_${day}_${hour}`))
export const actions = [...asks, ...bookings, 'decline']
export const decline = actions.length - 1

/** What is asked for is told at once; the calendars are hidden until they are asked for. */
export interface Meeting {
  readonly id: number
  readonly kind: Kind
  /** Who must be there: a set of people. */
  readonly needed: number
  /** It takes two slots of one day, one after the other. */
  readonly isLong: boolean
  /** The first day on which it must not be any more. */
  readonly lastDay: number
  /** Of each person the set of slots that are taken. */
  readonly busy: readonly number[]
  /** Which calendars were asked for: a set of `asks`. */
  readonly asked: number
  /** The booking that was made, or `decline`; -1: none yet. */
  readonly done: number
}

const busyShare = 0.55

export const drawMeeting = (random: Random): Meeting => {
  const kind = random.pick(kinds)
  const everyone = bit(people.length) - 1
  return {
    id: random.below(9000),
    kind,
    needed: kind === 'group' ? everyone : everyone & ~bit(random.below(people.length)),
    isLong: kind === 'long',
    lastDay: kind === 'urgent' ? 1 + random.below(2) : days.length,
    busy: people.map(() => drawBusy(random)),
    asked: 0,
    done: -1,
  }
}

export const drawBusy = (random: Random): number => {
  let busy = 0
  for (let slot = 0; slot < slots; slot++) if (random.next() < busyShare) busy |= bit(slot)
  return busy
}

export const dayOf = (slot: number): number => Math.floor(slot / hours.length)

const daySlots = bit(hours.length) - 1

/** Slots of somebody that are known. */
export const knownSlots = ({ asked }: Pick<Meeting, 'asked'>, person: number): number => {
  let known = 0
  for (let day = 0; day < days.length; day++) {
    if (has(asked, person * days.length + day)) known |= daySlots << (day * hours.length)
  }
  return known
}

/** Slots in which it could begin, were everybody free. */
const allowedSlots = ({ lastDay, isLong }: Meeting): number => {
  const early = bit(lastDay * hours.length) - 1
  return isLong ? early & firstHalves : early
}

/** All slots but the last of each day. */
const firstHalves = days.reduce((set, _, i) => set | ((daySlots >> 1) << (i * hours.length)), 0)

export interface Outlook {
  /** Where it can begin as far as is known: everybody was asked, everybody is free. */
  readonly open: number
  /** Where it cannot begin: somebody is known to be busy. */
  readonly closed: number
  readonly allowed: number
}

/** Where it can begin and where not, by the calendars that are known, laid over each other. */
export const togetherOf = (
  meeting: Pick<Meeting, 'needed' | 'isLong' | 'busy' | 'asked'>,
): { readonly free: number; readonly busy: number } => {
  let free = bit(slots) - 1
  let busy = 0
  for (let person = 0; person < people.length; person++) {
    if (!has(meeting.needed, person)) continue
    const known = knownSlots(meeting, person)
    const taken = meeting.busy[person] ?? 0
    free &= known & ~taken
    busy |= known & taken
  }
  if (!meeting.isLong) return { free, busy }
  // A long one needs the slot after the first as well, on the same day.
  return { free: free & (free >> 1) & firstHalves, busy: busy | (busy >> 1) | ~firstHalves }
}

export const outlookOf = (meeting: Meeting): Outlook => {
  const { free, busy } = togetherOf(meeting)
  const allowed = allowedSlots(meeting)
  return { open: free & allowed, closed: busy & allowed, allowed }
}

/** The booking that is known to be right: the earliest. -1: more must be asked for. */
export const provenAction = (meeting: Meeting): number => {
  const { open, closed, allowed } = outlookOf(meeting)
  const undecided = allowed & ~closed
  if (undecided === 0) return decline
  const first = undecided & -undecided
  return (open & first) === 0 ? -1 : asks.length + slotOf(first)
}

/** The number of the only slot in a set. */
export const slotOf = (set: number): number => 31 - Math.clz32(set)

/** A calendar that decides about the earliest slot that is still undecided; -1: none. */
export const nextAsk = (meeting: Meeting): number => {
  const { closed, allowed } = outlookOf(meeting)
  const undecided = allowed & ~closed
  if (undecided === 0) return -1
  const day = dayOf(slotOf(undecided & -undecided))
  for (let person = 0; person < people.length; person++) {
    const ask = person * days.length + day
    if (has(meeting.needed, person) && !has(meeting.asked, ask)) return ask
  }
  return -1
}
