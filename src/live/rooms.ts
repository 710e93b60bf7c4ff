/** Who watches what: topics exist while they have readers. */
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import { catchUp } from './catch-up.ts'
import { Feed } from './feed.ts'
import type { Frame } from './frames.ts'
import { createGate } from '../kernel/gate.ts'
import { type LiveLimits, shareOf } from './limits.ts'
import { closeCode, type Reader } from './reader.ts'
import { Topic } from './topic.ts'

export interface Room {
  readonly topic: Topic
  readonly feed: Feed
}

export interface RoomsOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly limits: LiveLimits
  /** Other servers write to the same topics. */
  readonly shared: boolean
}

export class Rooms {
  readonly readers = new Set<Reader>()
  /** Readers closed so far because they did not keep up. */
  closedSlow = 0
  readonly #rooms = new Map<string, Room>()
  readonly #options: RoomsOptions
  readonly #gate

  constructor(options: RoomsOptions) {
    this.#options = options
    this.#gate = createGate(options.limits.replays)
  }

  find(key: string): Room | undefined {
    return this.#rooms.get(key)
  }

  all(): IterableIterator<Room> {
    return this.#rooms.values()
  }

  get size(): number {
    return this.#rooms.size
  }

  enter(reader: Reader): void {
    const { topic, feed } = this.#rooms.get(reader.topic) ?? this.#build(reader.topic)
    const { subscription } = reader
    this.readers.add(reader)
    topic.readers.add(reader)
    feed.replay ??= subscription.replay?.bind(subscription)
    if (reader.since !== undefined && subscription.replay) {
      void this.#bringUpToDate(reader, topic)
    } else {
      reader.cursor = topic.last ?? Number.NEGATIVE_INFINITY
      reader.joined = true
    }
  }

  leave(reader: Reader): void {
    this.readers.delete(reader)
    reader.wake()
    const room = this.#rooms.get(reader.topic)
    room?.topic.readers.delete(reader)
    if (room?.topic.readers.size === 0) this.#rooms.delete(reader.topic)
  }

  #build(key: string): Room {
    const { clock, limits, log } = this.#options
    const handOut = (reader: Reader, frames: readonly Frame[]) => this.#handOut(reader, frames)
    const topic = new Topic({ clock, limits, handOut })
    const feed = new Feed(topic, { clock, gate: this.#gate, log: log.with({ topic: key }) })
    const room = { topic, feed }
    this.#rooms.set(key, room)
    return room
  }

  #maxBytes(): number {
    return shareOf(this.#options.limits, this.readers.size)
  }

  #handOut(reader: Reader, frames: readonly Frame[]): void {
    const maxBytes = this.#maxBytes()
    if (reader.send(frames, maxBytes) && reader.waitingBytes <= maxBytes) return
    if (!reader.open) return
    const room = this.#rooms.get(reader.topic)
    if (room && reader.subscription.replay) void this.#bringUpToDate(reader, room.topic)
    else this.#closeSlow(reader)
  }

  async #bringUpToDate(reader: Reader, topic: Topic): Promise<void> {
    const { clock, limits, log, shared } = this.#options
    try {
      reader.state = 'behind'
      if (!Number.isFinite(reader.cursor)) await this.#place(reader)
      const end = await catchUp(reader, topic, {
        clock,
        stallMs: limits.stallMs,
        maxBytes: () => this.#maxBytes(),
        gate: this.#gate,
      })
      if (end === 'stalled') this.#closeSlow(reader)
      if (end === 'live' && shared) topic.settle()
    } catch (error) {
      log.error('Replaying a live topic failed', { topic: reader.topic, error })
      reader.close(closeCode.internalError, 'replay failed')
    }
  }

  async #place(reader: Reader): Promise<void> {
    const { subscription } = reader
    reader.cursor = (await this.#gate(async () => subscription.head?.())) ?? 0
    reader.joined = false
  }

  #closeSlow(reader: Reader): void {
    this.closedSlow++
    reader.close(closeCode.tryAgainLater, 'too slow: come back with ?since=')
  }
}
