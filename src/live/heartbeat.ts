/** Finds peers that vanished without a word: TCP alone would keep them for hours. */
import type { Clock, Timer } from '../kernel/clock.ts'
import type { Reader } from './reader.ts'

/** Pings in a row that may stay without any sign of life. */
const maxSilentPings = 3

export const watchHeartbeat = (readers: ReadonlySet<Reader>, clock: Clock, pingMs: number): Timer =>
  clock.every(pingMs, () => {
    for (const reader of [...readers]) {
      if (reader.silentPings >= maxSilentPings) {
        reader.socket?.terminate()
      } else {
        reader.silentPings++
        reader.socket?.ping()
      }
    }
  })
