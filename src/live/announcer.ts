/** Gathers what a server has to tell the others, and keeps it while nobody can be told. */
import { textOf } from './frames.ts'
import type { LiveMessage } from './live.ts'

/** Messages `first..last` of a topic are there. Without `messages` they are to be read. */
export interface Notice {
  readonly topic: string
  readonly first: number
  readonly last: number
  readonly messages?: readonly LiveMessage[]
}

/** A topic's name that stands for all of them. */
export const everyTopic = '*'

/** Announcements of one topic that come closer together than this are one. */
const gatherMs = 5

const retryMs = 1_000

/** Topics whose announcements are kept; beyond, everybody is told to read everything. */
const maxWaiting = 10_000

/** Far below what makes Redis drop a slow subscriber (8 MiB for a minute). */
const maxPayloadChars = 64 * 1024

export class Announcer {
  readonly #send: (notice: Notice) => Promise<void>
  #waiting = new Map<string, Notice>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #paused = true

  constructor(send: (notice: Notice) => Promise<void>) {
    this.#send = send
  }

  publish(notice: Notice): void {
    if (notice.messages && !this.#paused) {
      for (const part of partsOf(notice)) this.#deliver(part)
    } else {
      this.#keep(notice)
      this.#plan(gatherMs)
    }
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    void this.flush()
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#paused) return
    const waiting = this.#waiting
    this.#waiting = new Map()
    await Promise.all([...waiting.values()].map((notice) => this.#deliver(notice)))
  }

  async #deliver(notice: Notice): Promise<void> {
    try {
      await this.#send(notice)
    } catch {
      this.#keep(notice)
      this.#plan(retryMs)
    }
  }

  #plan(delayMs: number): void {
    if (this.#paused || this.#timer) return
    this.#timer = setTimeout(() => void this.flush(), delayMs)
  }

  /** Keeps where a topic stands, without data: what is kept must not grow. */
  #keep({ topic, first, last }: Notice): void {
    if (this.#waiting.has(everyTopic)) return
    const kept = this.#waiting.get(topic)
    if (!kept && this.#waiting.size >= maxWaiting) {
      this.#waiting = new Map([[everyTopic, { topic: everyTopic, first: 0, last: 0 }]])
      return
    }
    this.#waiting.set(topic, {
      topic,
      first: Math.min(first, kept?.first ?? first),
      last: Math.max(last, kept?.last ?? last),
    })
  }
}

const partsOf = ({ topic, messages = [] }: Notice): Notice[] => {
  const parts: LiveMessage[][] = []
  let chars = Number.POSITIVE_INFINITY
  for (const { cursor, data, isLast } of messages) {
    const text = textOf(data)
    if (chars + text.length > maxPayloadChars) {
      parts.push([])
      chars = 0
    }
    parts.at(-1)?.push({ cursor, data: text, ...(isLast && { isLast }) })
    chars += text.length
  }
  return parts.map((part) => ({
    topic,
    first: part[0]?.cursor ?? 0,
    last: part.at(-1)?.cursor ?? 0,
    messages: part,
  }))
}
