/** The live channel of a job: its log line by line, and between the lines where it stands. */
import type { Channel, Live, LiveMessage } from '../live/live.ts'
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Database } from '../storage/database.ts'
import type { ByteStore } from './attempt-log.ts'
import { progressOf, readProgress } from './events-read.ts'
import { cursorOf, positionOf } from './follow-cursor.ts'
import { type LogPiece, logEnd, readLog } from './follow-log.ts'
import { isTerminal } from './job.ts'
import type { StreamsHost } from './streams.ts'

export interface FollowOptions {
  readonly db: Database
  readonly store: ByteStore
  readonly clock: Clock
  readonly live: Live
  readonly host: StreamsHost
  /** Other servers have watchers of the same jobs. */
  readonly shared: boolean
}

/**
 * Where in the log changes of a job are told. Noted when this server first sees them, behind all
 * that anybody was sent, so that every reader meets them in the same place and none misses one.
 */
interface Notes {
  jobVersion: number
  progressVersion: number
  progressCursor: number | undefined
  stateCursor: number
  endCursor: number | undefined
  /** The position up to which anybody was sent log. */
  sentTo: number
  announced: number | undefined
}

const maxNotes = 10_000

/** Changes that come closer together than this are announced as one. */
const gatherMs = 10

/** More than a server that has announced nothing yet can have missed of what others wrote. */
const overlapBytes = 1024 * 1024

export const topicOf = (jobId: string): string => `job/${jobId}`

export class FollowChannel {
  readonly #options: FollowOptions
  readonly #notes = new Map<string, Notes>()
  readonly #due = new Set<string>()

  constructor(options: FollowOptions) {
    this.#options = options
  }

  readonly channel: Channel = {
    path: '/ws/jobs/:id',
    open: async ({ params, query, who }) => {
      if (!who) throw new HearthError('unauthorized')
      const job = await this.#options.host.readable(who, params['id'] ?? '')
      // Whoever comes from another server may not have been told what this one told long ago.
      const { shared, live } = this.#options
      if (shared && query.has('since')) this.#notes.delete(job.id)
      const head = await this.#note(job.id)
      const notes = this.#notes.get(job.id)
      // The first who watches reads what is stored by now; the announcements go on from here.
      if (notes && head !== undefined && !live.needsData(topicOf(job.id))) notes.announced = head
      return {
        topic: topicOf(job.id),
        head: async () => (await this.#note(job.id)) ?? 0,
        replay: (since) => this.replay(job.id, since),
      }
    },
  }

  /** Something of the job changed: whoever watches is told soon. Free while nobody does. */
  changed(jobId: string): void {
    const { live, shared, clock } = this.#options
    if (this.#due.has(jobId) || !(shared || live.needsData(topicOf(jobId)))) return
    this.#due.add(jobId)
    clock.after(gatherMs, () => {
      this.#due.delete(jobId)
      void this.#announce(jobId)
    })
  }

  async #announce(jobId: string): Promise<void> {
    const last = await this.#note(jobId).catch(() => undefined)
    const notes = this.#notes.get(jobId)
    if (last === undefined || !notes) return
    const before = notes.announced ?? cursorOf(positionOf(last) - overlapBytes, 0, 'log')
    this.#options.live.advance(topicOf(jobId), before + 1, last)
    notes.announced = last
  }

  forget(jobId: string): void {
    this.#notes.delete(jobId)
  }

  async *replay(jobId: string, since: number): AsyncGenerator<readonly LiveMessage[]> {
    let last = since
    for (let before = -1; before < last;) {
      before = last
      for await (const messages of this.#pass(jobId, last)) {
        last = Math.max(last, messages.at(-1)?.cursor ?? 0)
        yield messages
      }
      // What was noted meanwhile may stand behind log that this pass did not know of.
      if (this.#nextTold(jobId, last) === undefined) return
    }
    const messages = await this.#standing(jobId, last)
    if (messages.length > 0) yield messages
  }

  /** The log that is there, and between its lines what was noted of the job. */
  async *#pass(jobId: string, since: number): AsyncGenerator<readonly LiveMessage[]> {
    const { store, host } = this.#options
    await this.#note(jobId)
    // Looked at after that: what was noted of a later state stands behind all of the log.
    const job = await host.find(jobId)
    if (!job) return
    let last = since
    for await (const page of readLog(store, job, positionOf(since), 'lines')) {
      let rest = page
      while (rest.length > 0) {
        const told = this.#nextTold(jobId, last)
        const before = told === undefined ? rest : rest.filter(({ end }) => end <= positionOf(told))
        if (before.length > 0) {
          const end = (before.at(-1) as LogPiece).end
          this.#sent(jobId, end)
          last = Math.max(last, cursorOf(end, 0, 'log'))
          yield before.map(logMessage)
        } else if (told !== undefined) {
          const messages = await this.#standing(jobId, last, positionOf(told))
          last = Math.max(told, messages.at(-1)?.cursor ?? 0)
          yield messages
        }
        rest = rest.slice(before.length)
      }
    }
    const messages = await this.#standing(jobId, last, positionOf(last))
    if (messages.length > 0) yield messages
  }

  /** Notes what changed, and where; answers the cursor of the latest message there is. */
  async #note(jobId: string): Promise<number | undefined> {
    const { db, store, host } = this.#options
    const job = await host.find(jobId)
    if (!job) return undefined
    const progress = await readProgress(db, jobId)
    const end = await logEnd(store, job, 'lines')
    const progressVersion = progress?.version ?? 0
    const version = job.version + progressVersion
    const known = this.#notes.get(jobId)
    const position = Math.max(end, known?.sentTo ?? 0)
    const notes = known ?? this.#keep(jobId, cursorOf(position, version, 'state'))
    if (progressVersion > notes.progressVersion) {
      notes.progressVersion = progressVersion
      notes.progressCursor = cursorOf(position, version, 'progress')
    }
    if (job.version > notes.jobVersion) {
      notes.jobVersion = job.version
      notes.stateCursor = cursorOf(position, version, 'state')
      notes.endCursor = isTerminal(job.state) ? cursorOf(position, version, 'end') : undefined
    }
    const { progressCursor = 0, stateCursor, endCursor = 0 } = notes
    return Math.max(cursorOf(end, 0, 'log'), progressCursor, stateCursor, endCursor)
  }

  #keep(jobId: string, stateCursor: number): Notes {
    const notes: Notes = {
      jobVersion: -1,
      progressVersion: 0,
      progressCursor: undefined,
      stateCursor,
      endCursor: undefined,
      sentTo: 0,
      announced: undefined,
    }
    this.#notes.set(jobId, notes)
    if (this.#notes.size > maxNotes) {
      this.#notes.delete(this.#notes.keys().next().value as string)
    }
    return notes
  }

  #sent(jobId: string, position: number): void {
    const notes = this.#notes.get(jobId)
    if (notes) notes.sentTo = Math.max(notes.sentTo, position)
  }

  #nextTold(jobId: string, last: number): number | undefined {
    const notes = this.#notes.get(jobId)
    const cursors = [notes?.progressCursor, notes?.stateCursor, notes?.endCursor]
    const told = cursors.filter((cursor) => cursor !== undefined && cursor > last) as number[]
    return told.length === 0 ? undefined : Math.min(...told)
  }

  /** Where the job stands, as far as that was noted after `last` and up to a position. */
  async #standing(jobId: string, last: number, upTo = Infinity): Promise<LiveMessage[]> {
    const { db, clock, host } = this.#options
    const notes = this.#notes.get(jobId)
    if (!notes || this.#nextTold(jobId, last) === undefined) return []
    const { progressCursor, stateCursor, endCursor } = { ...notes }
    const progress = await readProgress(db, jobId)
    const job = await host.view(jobId)
    const messages: LiveMessage[] = []
    const add = (cursor: number | undefined, data: object | null) => {
      if (cursor === undefined || cursor <= last || !data) return
      if (positionOf(cursor) > upTo) return
      messages.push({ cursor, data: { ...data, cursor } })
    }
    const view = progress && progressOf(progress, clock.now())
    add(progressCursor, view && { type: 'progress', ...view })
    add(stateCursor, job && { type: 'state', job })
    add(endCursor, { type: 'end' })
    return messages.sort((a, b) => a.cursor - b.cursor)
  }
}

const logMessage = ({ attempt, offset, text, end }: LogPiece): LiveMessage => ({
  cursor: cursorOf(end, 0, 'log'),
  data: { type: 'log', cursor: cursorOf(end, 0, 'log'), attempt, offset, text },
})
