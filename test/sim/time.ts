/** Time that passes when nothing else is left to do, and the clocks of hosts that may be wrong. */
import type { Clock, Timer } from '../../src/kernel/clock.ts'
import { calm, type Life, stirred } from './life.ts'

const epochMs = Date.UTC(2026, 0, 1)
/** Timers that are due this close together run at the same moment. */
const grainMs = 10

export class VirtualTime {
  nowMs = 0
  /** Ascending. */
  #moments: number[] = []
  readonly #due = new Map<number, Set<() => void>>()

  after(delayMs: number, work: () => void): Timer {
    stirred()
    const at = Math.max(
      this.nowMs + 1,
      Math.ceil((this.nowMs + Math.max(0, delayMs)) / grainMs) * grainMs,
    )
    let works = this.#due.get(at)
    if (!works) {
      works = new Set()
      this.#due.set(at, works)
      this.#insert(at)
    }
    const own = works
    const entry = () => work()
    own.add(entry)
    return { cancel: () => void own.delete(entry) }
  }

  /** Runs what is due at the next moment, and all that follows from it. False past `endMs`. */
  async step(endMs: number): Promise<boolean> {
    const [at] = this.#moments
    if (at === undefined || at > endMs) {
      this.nowMs = endMs
      return false
    }
    this.#moments.shift()
    const works = this.#due.get(at)
    this.#due.delete(at)
    if (!works || works.size === 0) return true
    this.nowMs = at
    for (const work of works) {
      if (works.has(work)) work()
    }
    await calm()
    return true
  }

  #insert(at: number): void {
    let low = 0
    let high = this.#moments.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#moments[middle] as number) < at) low = middle + 1
      else high = middle
    }
    this.#moments.splice(low, 0, at)
  }
}

/** What a host takes for the time of day. */
export interface WallClock {
  skewMs: number
}

/** The clock of one process: it stops with the process, and may be set at any time. */
export const clockOf = (time: VirtualTime, wall: WallClock, life: Life): Clock => {
  const alive = (work: () => void) => () => {
    if (!life.isOver) work()
  }
  return {
    now: () => epochMs + time.nowMs + wall.skewMs,
    after: (delayMs, work) => time.after(delayMs, alive(work)),
    every(periodMs, work) {
      let timer: Timer
      const again = () => {
        timer = time.after(
          periodMs,
          alive(() => {
            again()
            work()
          }),
        )
      }
      again()
      return { cancel: () => timer.cancel() }
    },
  }
}
