/** What really happened on the hosts, seen from outside: what the server believes is held to it. */
import type { Outcome } from '../../src/jobs/protocol.ts'

/** One run of a program. */
export interface Performance {
  readonly job: string
  readonly attempt: number
  readonly host: string
  readonly beganMs: number
  endedMs: number | null
  /** Null when its machine went down under it. */
  outcome: Outcome | null
  log: string
}

export class Truth {
  readonly performances: Performance[] = []
  readonly troubles: string[] = []

  began(job: string, attempt: number, host: string, nowMs: number): Performance {
    const other = this.performances.find((one) => one.job === job && one.endedMs === null)
    if (other) {
      this.troubles.push(
        `${job}: attempt ${attempt} began on ${host} while attempt ${other.attempt} ran on ` +
          other.host,
      )
    }
    const one: Performance = {
      job,
      attempt,
      host,
      beganMs: nowMs,
      endedMs: null,
      outcome: null,
      log: '',
    }
    this.performances.push(one)
    return one
  }

  of(job: string, attempt: number): Performance[] {
    return this.performances.filter((one) => one.job === job && one.attempt === attempt)
  }

  /** Runs that came to their own end. */
  completions(job: string): Performance[] {
    return this.performances.filter(
      (one) => one.job === job && one.outcome?.reason === 'exited' && one.outcome.signal === null,
    )
  }
}
