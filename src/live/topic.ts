/** One watched topic: puts its messages in order, and hands them to its readers in bursts. */
import type { Clock } from '../kernel/clock.ts'
import { type Encoder, type Frame, framesAfter } from './frames.ts'
import type { LiveLimits } from './limits.ts'
import type { Reader } from './reader.ts'

/** Handing out goes on for at most this long before other work has its turn. */
const sliceMs = 8

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export interface TopicOptions {
  readonly clock: Clock
  readonly limits: LiveLimits
  /** Hands frames to a reader that is live, and deals with one that cannot take them. */
  readonly handOut: (reader: Reader, frames: readonly Frame[]) => void
}

/**
 * Readers are served by a loop of corked sends, not by Bun's native topics: both cost one write a
 * reader and burst, which is nearly all of it, and the loop knows each reader's cursor.
 */
export class Topic {
  readonly readers = new Set<Reader>()
  /** The latest message seen; undefined: none since the first reader came. */
  last: number | undefined
  readonly #options: TopicOptions
  readonly #recent = new Recent()
  #pending: Frame[] = []
  #flush: 'idle' | 'planned' | 'running' = 'idle'
  #lastFlushMs = 0

  constructor(options: TopicOptions) {
    this.#options = options
  }

  /** Takes messages in order of cursor; those not above the last one were here already. */
  deliver(frames: readonly Frame[]): void {
    const fresh = this.last === undefined ? frames : framesAfter(frames, this.last)
    const latest = fresh.at(-1)
    if (!latest) return
    this.last = latest.cursor
    const { recentMessages, recentBytes } = this.#options.limits
    this.#recent.add(fresh, recentMessages, recentBytes)
    for (const frame of fresh) this.#pending.push(frame)
    this.#plan()
  }

  /** Before the first message: what all readers have is what the topic has seen. */
  settle(): void {
    const lowest = Math.min(...[...this.readers].map(({ cursor }) => cursor))
    if (Number.isFinite(lowest)) this.last ??= lowest
  }

  /** What `reader` lacks, if memory still has all of it. */
  missedBy(reader: Reader): readonly Frame[] | undefined {
    const complete = reader.joined
      ? reader.cursor >= this.#recent.evictedTo
      : reader.cursor >= this.#recent.first
    return complete ? this.#recent.after(reader.cursor) : undefined
  }

  /** How long messages wait for company: single watchers not at all, a crowd a little. */
  gatherMs(): number {
    const { sendsPerSecond, gatherMs } = this.#options.limits
    return Math.min(gatherMs, (1000 * this.readers.size) / sendsPerSecond)
  }

  #plan(): void {
    if (this.#flush !== 'idle') return
    this.#flush = 'planned'
    const { clock } = this.#options
    const gatherMs = this.gatherMs()
    const sinceLastMs = clock.now() - this.#lastFlushMs
    const waitMs = sinceLastMs < 0 ? gatherMs : Math.max(0, gatherMs - sinceLastMs)
    clock.after(waitMs, () => void this.flush())
  }

  /** Hands out what has gathered. */
  async flush(): Promise<void> {
    if (this.#flush === 'running') return
    this.#flush = 'running'
    const frames = this.#pending
    this.#pending = []
    this.#lastFlushMs = this.#options.clock.now()
    const encoded = new Map<Encoder, readonly Frame[]>()
    let sliceBegan = performance.now()
    for (const reader of [...this.readers]) {
      this.#serve(reader, frames, encoded)
      if (performance.now() - sliceBegan < sliceMs) continue
      await nextTurn()
      sliceBegan = performance.now()
    }
    this.#flush = 'idle'
    if (this.#pending.length > 0) this.#plan()
  }

  #serve(reader: Reader, frames: readonly Frame[], encoded: Map<Encoder, readonly Frame[]>): void {
    if (reader.state !== 'live') return
    const { encode } = reader
    if (reader.cursor === Number.NEGATIVE_INFINITY) reader.cursor = firstOf(frames) - 1
    const lacking = framesAfter(frames, reader.cursor)
    if (lacking.length === 0) return
    if (lacking !== frames) return this.#options.handOut(reader, encode(lacking))
    let shared = encoded.get(encode)
    if (!shared) {
      shared = encode(frames)
      encoded.set(encode, shared)
    }
    this.#options.handOut(reader, shared)
  }
}

const firstOf = (frames: readonly Frame[]): number => frames[0]?.cursor ?? Number.NEGATIVE_INFINITY

/** The latest messages of a topic, bounded in number and size. */
class Recent {
  /** Messages up to this cursor are, or may be, no longer here. */
  evictedTo = Number.NEGATIVE_INFINITY
  #frames: Frame[] = []
  #begin = 0
  #chars = 0

  /** Cursor of the oldest message kept; infinite while there is none. */
  get first(): number {
    return this.#frames[this.#begin]?.cursor ?? Number.POSITIVE_INFINITY
  }

  add(frames: readonly Frame[], maxMessages: number, maxChars: number): void {
    for (const frame of frames) {
      this.#frames.push(frame)
      this.#chars += frame.text.length
    }
    while (this.#frames.length - this.#begin > maxMessages || this.#chars > maxChars) {
      const oldest = this.#frames[this.#begin++] as Frame
      this.#chars -= oldest.text.length
      this.evictedTo = oldest.cursor
    }
    if (this.#begin * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#begin)
      this.#begin = 0
    }
  }

  after(cursor: number): readonly Frame[] {
    const kept = this.#begin === 0 ? this.#frames : this.#frames.slice(this.#begin)
    return [...framesAfter(kept, cursor)]
  }
}
