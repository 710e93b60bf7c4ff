/** The clock of the host that nobody can set: what a deadline written by one process is kept by. */
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

/**
 * Milliseconds since the host booted, sleep included; the same for all of its processes. Bun's own
 * monotonic times begin anew in each process, so they cannot be written down for another.
 */
export const monotonicMs = (): number => {
  try {
    return Math.round(Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 1000)
  } catch {
    return Math.round(uptime() * 1000)
  }
}
