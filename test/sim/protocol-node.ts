/** A node of the fast simulation: what an agent says and does, without disks and processes. */
import type { Outcome } from '../../src/jobs/outcome.ts'
import type { SyncReply } from '../../src/jobs/protocol.ts'
import { BrokenError } from './broken.ts'
import type { EventQueue } from './protocol-queue.ts'
import type { ModelJob, ModelServer } from './protocol-server.ts'
import type { Chance } from './random.ts'

interface Attempt {
  readonly job: string
  readonly attempt: number
  readonly stopAfterMs: number | null
  deadlineMs: number
  phase: 'preparing' | 'running' | 'uploading'
  outcome: Outcome | null
  isDropped: boolean
  stopping: 'cancel' | 'pause' | 'deadline' | null
}

export interface Weather {
  lose: number
  double: number
  maxDelayMs: number
}

/** Programs that run somewhere at the moment, and those that came to their own end. */
export interface Stage {
  readonly running: Map<string, string>
  readonly begun: Map<string, number>
  readonly completed: Map<string, number>
}

const lookMs = 250
const ended = (reason: Outcome['reason'], exitCode: number | null = null): Outcome => ({
  reason,
  exitCode,
  signal: null,
})

export class ModelNode {
  readonly name: string
  weather: Weather = { lose: 0, double: 0, maxDelayMs: 5 }
  isCut = false
  readonly attempts = new Map<string, Attempt>()
  /** Grows with every life of the agent: what was sent to an earlier one is heard by nobody. */
  #life = 0
  #isUp = true
  readonly #queue: EventQueue
  readonly #server: ModelServer
  readonly #chance: Chance
  readonly #stage: Stage

  constructor(
    name: string,
    world: { queue: EventQueue; server: ModelServer; chance: Chance; stage: Stage },
  ) {
    this.name = name
    this.#queue = world.queue
    this.#server = world.server
    this.#chance = world.chance
    this.#stage = world.stage
    this.#talk(this.#life)
  }

  /** The programs run on. */
  restart(downMs: number): void {
    const life = ++this.#life
    this.#isUp = false
    this.#queue.after(downMs, () => {
      if (life !== this.#life) return
      this.#isUp = true
      for (const one of this.attempts.values()) this.#goOn(one)
      this.#talk(life)
    })
  }

  /** The programs are gone; what the disk says of them stays. */
  crash(downMs: number): void {
    for (const one of this.attempts.values()) {
      if (one.phase !== 'running' || one.outcome) continue
      this.#leave(one)
      one.outcome = ended('shim_lost')
    }
    this.restart(downMs)
  }

  #send<T>(ask: () => T, hear: (answer: T) => void): void {
    const life = this.#life
    const chance = this.#chance
    const passMs = () => chance.between(1, this.weather.maxDelayMs)
    const isLost = () => this.isCut || chance.happens(this.weather.lose)
    const arrive = (isHeard: boolean) => {
      if (isLost()) return
      const answer = ask()
      this.#queue.after(passMs(), () => {
        if (isHeard && !isLost() && life === this.#life && this.#isUp) hear(answer)
      })
    }
    this.#queue.after(passMs(), () => arrive(true))
    if (chance.happens(this.weather.double)) this.#queue.after(passMs(), () => arrive(false))
  }

  #talk(life: number): void {
    if (life !== this.#life) return
    const sentMs = this.#queue.nowMs
    const holding = [...this.attempts.values()].map(({ job, attempt, phase }) => ({
      job,
      attempt,
      phase,
    }))
    this.#send(
      () => this.#server.sync(this.name, holding),
      (reply) => this.#obey(reply, sentMs),
    )
    this.#queue.after(this.#chance.between(100, 700), () => this.#talk(life))
  }

  #obey({ work, want, drop }: SyncReply, sentMs: number): void {
    for (const one of this.attempts.values()) {
      if (one.stopAfterMs === null || one.isDropped) continue
      one.deadlineMs = Math.max(one.deadlineMs, sentMs + one.stopAfterMs)
    }
    for (const { job, attempt, stopAfterMs } of work) {
      const key = `${job}/${attempt}`
      if (this.attempts.has(key)) continue
      const one: Attempt = {
        job,
        attempt,
        stopAfterMs,
        deadlineMs: stopAfterMs === null ? Number.POSITIVE_INFINITY : sentMs + stopAfterMs,
        phase: 'preparing',
        outcome: null,
        isDropped: false,
        stopping: null,
      }
      this.attempts.set(key, one)
      this.#goOn(one)
    }
    for (const { job, attempt, desired } of want) {
      const one = this.attempts.get(`${job}/${attempt}`)
      if (one && desired !== 'run') this.#stop(one, desired)
    }
    for (const { job, attempt } of drop) this.#drop(this.attempts.get(`${job}/${attempt}`))
  }

  /** From wherever the disk says it is. */
  #goOn(one: Attempt): void {
    if (this.attempts.get(`${one.job}/${one.attempt}`) !== one || !this.#isUp) return
    const life = this.#life
    const again = () => {
      if (life === this.#life) this.#goOn(one)
    }
    if (one.isDropped) return this.#drop(one)
    if (one.outcome) {
      const { outcome } = one
      one.phase = 'uploading'
      this.#send(
        () => this.#server.finish(this.name, one.job, one.attempt, outcome),
        () => this.attempts.delete(`${one.job}/${one.attempt}`),
      )
    } else if (one.phase === 'preparing') {
      this.#send(
        () => this.#server.start(this.name, one.job, one.attempt),
        (status) => this.#begin(one, status),
      )
    }
    this.#queue.after(1000, again)
  }

  #begin(one: Attempt, status: 200 | 410): void {
    if (one.phase !== 'preparing' || one.outcome) return
    if (status === 410) one.outcome = ended('cancelled')
    else if (this.#queue.nowMs > one.deadlineMs) one.outcome = ended('lease_expired')
    else this.#perform(one)
  }

  #perform(one: Attempt): void {
    const { running, begun, completed } = this.#stage
    const job = this.#server.jobs.get(one.job) as ModelJob
    const other = running.get(one.job)
    if (other) throw new BrokenError(`${one.job}/${one.attempt} began while it ran on ${other}`)
    const key = `${one.job}/${one.attempt}`
    if (begun.has(key)) throw new BrokenError(`${key} began twice`)
    begun.set(key, this.#queue.nowMs)
    running.set(one.job, `${this.name} as attempt ${one.attempt}`)
    one.phase = 'running'
    this.#queue.after(job.runMs, () => {
      if (one.outcome) return
      completed.set(one.job, (completed.get(one.job) ?? 0) + 1)
      this.#end(one, ended('exited', job.exitCode))
    })
    const look = () => {
      if (one.outcome) return
      if (this.#queue.nowMs > one.deadlineMs) this.#stop(one, 'deadline')
      this.#queue.after(lookMs, look)
    }
    look()
  }

  /** The program may take all of its grace. */
  #stop(one: Attempt, why: 'cancel' | 'pause' | 'deadline'): void {
    if (one.outcome || one.stopping === why || (one.stopping && why === 'pause')) return
    const isFirst = one.stopping === null
    one.stopping = why
    if (one.phase === 'preparing') {
      one.outcome = ended(why === 'pause' ? 'paused' : 'cancelled')
      return
    }
    const { graceMs, hasCheckpoint } = this.#server.jobs.get(one.job) as ModelJob
    if (!isFirst) return
    this.#queue.after(this.#chance.between(0, graceMs), () => {
      if (one.outcome) return
      const paused = hasCheckpoint ? 'paused' : 'cancelled'
      const reasons = { cancel: 'cancelled', pause: paused, deadline: 'lease_expired' } as const
      this.#end(one, ended(reasons[one.stopping ?? 'cancel']))
    })
  }

  #drop(one: Attempt | undefined): void {
    if (!one) return
    one.isDropped = true
    if (one.phase === 'running' && !one.outcome) return this.#stop(one, 'cancel')
    this.attempts.delete(`${one.job}/${one.attempt}`)
  }

  #end(one: Attempt, outcome: Outcome): void {
    this.#leave(one)
    one.outcome = outcome
    this.#goOn(one)
  }

  #leave(one: Attempt): void {
    this.#stage.running.delete(one.job)
  }
}
