/** What plugins see of the live hub: channels they serve and topics they publish on. */
import type { Who } from '../auth/who.ts'

/** One thing that happened on a topic. `cursor` grows strictly within it and survives restarts. */
export interface LiveMessage {
  readonly cursor: number
  /** Sent as it is when a string, as JSON otherwise. */
  readonly data: string | object
  /** Nothing follows: whoever has it is closed with 1000. */
  readonly isLast?: true
}

/** A WebSocket path of a plugin, for example `/ws/:run_id`. */
export interface Channel {
  /** Absolute path; `:name` segments are handed to `open` as `params`. */
  readonly path: string
  /** Whether callers without a token reach `open` even where the server or plugin asks for one. */
  readonly isPublic?: boolean
  /**
   * Served to Socket.IO clients too, as the namespace of the same path. Its messages are objects
   * with a `type`, which is the event's name there.
   */
  readonly socketIo?: boolean
  /** Connections that one address may have at once, where rate limits are on. */
  readonly maxPerAddress?: number
  /**
   * Whether a refusal of `open` is told by closing the WebSocket with 4000 + its HTTP status:
   * browsers cannot see how an upgrade was answered. Not for Socket.IO, which has its own way.
   */
  readonly closesRefused?: boolean
  /**
   * Called before the upgrade is answered. Decides whether `who` may listen, and to which topic.
   * @throws HearthError the refusal, answered as HTTP in the plugin's dialect
   */
  open(request: ChannelRequest): Promise<Subscription> | Subscription
}

export interface ChannelRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly who: Who | null
}

export interface Subscription {
  /** Name within the plugin, for example `run/7`. */
  readonly topic: string
  /**
   * Yields everything after cursor `since`, in order, up to what is stored when it is called; the
   * hub joins it with the live messages without a gap or a repeat. Absent: the topic has no past.
   */
  replay?(since: number): AsyncIterable<readonly LiveMessage[]>
  /**
   * The cursor of the latest message stored, or any later one. Where several servers write, it says
   * what "from now on" means for a reader without a cursor; absent: the first message heard of.
   */
  head?(): Promise<number>
  /** Sent first of all; it has no cursor. */
  readonly hello?: string | object
  /** The topic has ended: after `hello` the reader is closed with this. */
  readonly closing?: { readonly code: number; readonly reason: string }
  /** Sent whenever nothing else was for `afterMs`; it has no cursor. */
  readonly idle?: { readonly afterMs: number; readonly message: string | object }
  /**
   * Called when the socket is open: from then on it may be spoken to by itself, and closed. What is
   * taken here is given back in `closed`; `open` takes nothing, for it may come to no socket.
   */
  opened?(line: Line): void
  /** Called once, when a socket that was open is gone. */
  closed?(): void
  /** Handles a message that the client sent; absent: such messages are ignored. */
  message?(data: string, reply: (data: string | object) => void): void | Promise<void>
}

/** The way to one client, outside of the order of its topic. */
export interface Line {
  send(data: string | object): void
  /** Once what was sent is on its way. */
  close(code: number, reason: string): void
}

/** The publishing side, bound to one plugin. */
export interface Live {
  /** Hands messages to every subscriber of `topic`: on this server and, by the bus, on others. */
  publish(topic: string, messages: readonly LiveMessage[]): void
  /**
   * Announces messages `first..last` of a topic that has a `replay`, without their data. Costs
   * next to nothing while nobody watches; subscribers, here and elsewhere, are served by `replay`.
   */
  advance(topic: string, first: number, last: number): void
  /**
   * Whether `publish` is worth its encoding now. False for a topic with a `replay` that nobody here
   * watches: call `advance` instead.
   */
  needsData(topic: string): boolean
}
