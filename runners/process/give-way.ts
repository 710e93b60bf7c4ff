/** Long computations let others go first: who asks the server something must not wait for them. */
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/**
 * Lowers this program to `nice`, and its session with it: where Linux weighs whole sessions against
 * each other (autogroup, sched(7)), a program's own `nice` counts inside of its session only.
 */
export const giveWay = (nice: number): void => {
  setPriority(nice)
  try {
    writeFileSync('/proc/self/autogroup', String(nice))
  } catch {
    // There are no such groups here: `nice` alone does it.
  }
}
