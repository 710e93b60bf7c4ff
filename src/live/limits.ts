/** The bounds of the live hub: what one reader, and all of them, may cost. */

export interface LiveLimits {
  /** WebSockets open at once; beyond, upgrades are refused. */
  readonly sockets: number
  /** Unsent bytes of one reader before it counts as slow. */
  readonly socketBytes: number
  /** Unsent bytes of all readers together; many readers get smaller shares. */
  readonly totalBytes: number
  /** How long a slow reader may take to make room before it is closed. */
  readonly stallMs: number
  /** Latest messages that each watched topic keeps, so that returning readers need no storage. */
  readonly recentMessages: number
  readonly recentBytes: number
  /** Replays that read from storage at the same time. */
  readonly replays: number
  /** Sends a second that one topic may cost: sets how long its messages wait for company. */
  readonly sendsPerSecond: number
  /** Longest wait for company. */
  readonly gatherMs: number
  /** Each socket is pinged this often, and dropped after three pings without any sign of life. */
  readonly pingMs: number
  /** Longest message that a client may send. */
  readonly messageBytes: number
  /** How long `stop` waits for farewells. */
  readonly stopMs: number
}

export const defaultLimits: LiveLimits = {
  sockets: 10_000,
  socketBytes: 1024 * 1024,
  totalBytes: 64 * 1024 * 1024,
  stallMs: 10_000,
  recentMessages: 2_000,
  recentBytes: 256 * 1024,
  replays: 8,
  sendsPerSecond: 25_000,
  gatherMs: 50,
  pingMs: 15_000,
  messageBytes: 64 * 1024,
  stopMs: 2_000,
}

/** Smallest share of `totalBytes`, so that a burst of a second still fits. */
const minSocketBytes = 32 * 1024

export const shareOf = (limits: LiveLimits, sockets: number): number =>
  Math.min(
    limits.socketBytes,
    Math.max(minSocketBytes, Math.floor(limits.totalBytes / Math.max(1, sockets))),
  )
