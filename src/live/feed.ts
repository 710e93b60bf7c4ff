/** Brings a topic up to date from storage, after announcements that carry no data. */
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import { pagesOf } from './catch-up.ts'
import { toFrames } from './frames.ts'
import type { Gate } from '../kernel/gate.ts'
import type { Subscription } from './live.ts'
import type { Topic } from './topic.ts'

/** Announcements that come closer together than this share one read. */
const minReadGapMs = 10

const retryMs = 1_000

/**
 * Several servers may write to one topic, and their announcements overtake each other on the bus.
 * Storage alone knows the order, so an announcement only says that there is something to read.
 */
export class Feed {
  /** How to read the topic; undefined while no reader's subscription has a past. */
  replay: Subscription['replay']
  readonly #topic: Topic
  readonly #clock: Clock
  readonly #gate: Gate
  readonly #log: Logger
  #announced = Number.NEGATIVE_INFINITY
  #stale = false
  #running = false

  constructor(topic: Topic, options: { clock: Clock; gate: Gate; log: Logger }) {
    this.#topic = topic
    this.#clock = options.clock
    this.#gate = options.gate
    this.#log = options.log
  }

  /** Whether messages are on their way from storage: direct ones must then go that way too. */
  get running(): boolean {
    return this.#running
  }

  announce(first: number, last: number): void {
    this.#topic.last ??= first - 1
    this.#announced = Math.max(this.#announced, last)
    this.#start()
  }

  /** Announcements may have been lost: reads what there is. */
  refresh(): void {
    this.#stale = true
    this.#start()
  }

  #start(): void {
    if (this.#running || this.replay === undefined) return
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    while (this.#hasWork()) {
      let pauseMs = Math.max(minReadGapMs, this.#topic.gatherMs())
      try {
        await this.#read(this.#topic.last as number)
      } catch (error) {
        this.#log.warn('Reading live messages from storage failed', { error })
        this.#stale = true
        pauseMs = retryMs
      }
      await new Promise<void>((resolve) => this.#clock.after(pauseMs, resolve))
    }
    this.#running = false
  }

  #hasWork(): boolean {
    const { last, readers } = this.#topic
    if (last === undefined || readers.size === 0) return false
    return this.#stale || this.#announced > last
  }

  async #read(since: number): Promise<void> {
    this.#stale = false
    const target = this.#announced
    for await (const page of pagesOf(this.replay?.(since), this.#gate)) {
      this.#topic.deliver(toFrames(page))
      await this.#topic.flush()
    }
    // What was announced and is not there has been deleted since.
    this.#topic.last = Math.max(this.#topic.last ?? since, target)
  }
}
