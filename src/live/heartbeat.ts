/** Finds peers that vanished without a word: TCP alone would keep them for hours. */
import type { Clock, Timer } from '../kernel/clock.ts'
import { textOf } from './frames.ts'
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

/** How exactly silences are measured. */
const idleTickMs = 1_000

/** Lets readers hear something in long silences, where their channel says so. */
export const watchIdle = (readers: ReadonlySet<Reader>, clock: Clock): Timer =>
  clock.every(idleTickMs, () => {
    for (const reader of readers) {
      const { idle } = reader.subscription
      if (!idle) continue
      reader.idleMs += idleTickMs
      // Whoever has not even taken what is waiting gets nothing on top.
      if (reader.idleMs >= idle.afterMs && reader.waitingBytes === 0) {
        reader.reply(textOf(idle.message))
      }
    }
  })
