/** The publishing side: decides whether messages go out directly or are read from storage. */
import type { Notice } from './announcer.ts'
import type { Bus } from './bus.ts'
import { toFrames } from './frames.ts'
import type { Live, LiveMessage } from './live.ts'
import type { Rooms } from './rooms.ts'

/**
 * Where several servers write, only storage knows the order: a message that arrives second may
 * have been committed first. Topics with a past are read from there, on announcement; direct
 * delivery is for servers that are alone, and for topics without a past.
 */
export class Publisher {
  readonly #rooms: Rooms
  readonly #bus: Bus

  constructor(rooms: Rooms, bus: Bus) {
    this.#rooms = rooms
    this.#bus = bus
    bus.subscribe({
      notice: (notice) => this.#hear(notice),
      restored() {
        for (const { feed } of rooms.all()) feed.refresh()
      },
    })
  }

  /** What the plugin `pluginId` sees. */
  of(pluginId: string): Live {
    return {
      publish: (topic, messages) => this.#publish(`${pluginId}/${topic}`, messages),
      advance: (topic, first, last) => this.#advance(`${pluginId}/${topic}`, first, last),
      needsData: (topic) => {
        const room = this.#rooms.find(`${pluginId}/${topic}`)
        return room !== undefined && !(this.#bus.shared && room.feed.replay)
      },
    }
  }

  #publish(key: string, messages: readonly LiveMessage[]): void {
    const first = messages[0]?.cursor
    const last = messages.at(-1)?.cursor
    if (first === undefined || last === undefined) return
    const room = this.#rooms.find(key)
    const fromStorage = this.#bus.shared && room?.feed.replay !== undefined
    this.#bus.publish({ topic: key, first, last, ...(!fromStorage && { messages }) })
    if (!room) return
    if (fromStorage || room.feed.running) room.feed.announce(first, last)
    else room.topic.deliver(toFrames(messages))
  }

  #advance(key: string, first: number, last: number): void {
    this.#bus.publish({ topic: key, first, last })
    this.#rooms.find(key)?.feed.announce(first, last)
  }

  #hear({ topic, first, last, messages }: Notice): void {
    const room = this.#rooms.find(topic)
    if (!room) return
    if (room.feed.replay) room.feed.announce(first, last)
    else if (messages) room.topic.deliver(toFrames(messages))
  }
}
