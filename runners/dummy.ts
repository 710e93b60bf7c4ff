/**
 * An executor without processes, for the tests of plugin authors and for simulations: it plays what
 * the plan's command says, on a clock that the test owns.
 *
 * `['dummy', 'log=hello', 'sleep=3', 'event={"type":"progress","done":1,"total":2}', 'exit=1']`
 * writes a line, waits three seconds, appends an event, and ends with code 1. `reason=oom` ends for
 * that reason instead; `deaf` makes it ignore requests to end until its grace is over.
 */
import { appendFileSync, mkdirSync } from 'node:fs'
import { type Outcome, type OutcomeReason, outcomeTable } from '../src/jobs/protocol.ts'
import type { Clock, Timer } from '../src/sdk.ts'
import { attemptFiles } from './attempt-files.ts'
import type { AttemptFolder, Executor, Handle, Probe } from './executor.ts'
import { claim, readClaim, readOutcome, requestStop, writeOutcome } from './shim/attempt-state.ts'
import { checkpointSeen } from './shim/checkpoint-seen.ts'
import { stopOutcomes, type StopReason } from './shim/stop-reason.ts'

export interface DummyOptions {
  readonly clock: Clock
  readonly probe?: Probe
}

const defaultGraceMs = 30_000

type Ending = Pick<Outcome, 'reason' | 'exitCode' | 'signal'>

/** One attempt being played. */
class Play {
  readonly ended: Promise<Outcome>
  readonly #folder: AttemptFolder
  readonly #clock: Clock
  readonly #steps: string[]
  readonly #startedMs: number
  #timer: Timer | undefined
  #grace: Timer | undefined
  #isDeaf = false
  #stopped: StopReason | null = null
  #resolve: (outcome: Outcome) => void = () => undefined

  constructor(folder: AttemptFolder, clock: Clock) {
    this.#folder = folder
    this.#clock = clock
    this.#steps = folder.plan.command.slice(1)
    this.#startedMs = clock.now()
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** Plays up to the next `sleep`, or to the end. */
  play(): void {
    const files = attemptFiles(this.#folder.path)
    for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) {
      const [name, value] = split(step)
      if (name === 'log') appendFileSync(files.log, `${value}\n`)
      else if (name === 'event') appendFileSync(files.events, `${value}\n`)
      else if (name === 'deaf') this.#isDeaf = true
      else if (name === 'sleep') {
        this.#timer = this.#clock.after(Number(value) * 1000, () => this.play())
        return
      } else return this.#end(endingOf(name, value))
    }
    this.#end({ reason: 'exited', exitCode: 0, signal: null })
  }

  stop(why: StopReason): void {
    const begun = this.#stopped !== null
    this.#stopped = begun && this.#stopped !== 'pause' ? this.#stopped : why
    if (!this.#isDeaf) return this.#end({ reason: 'exited', exitCode: null, signal: 'SIGTERM' })
    if (begun) return
    const graceMs = this.#folder.plan.graceMs ?? defaultGraceMs
    this.#grace = this.#clock.after(graceMs, () => {
      this.#end({ reason: 'exited', exitCode: null, signal: 'SIGKILL' })
    })
  }

  /** As when the machine goes down: no outcome is written. */
  vanish(): void {
    this.#timer?.cancel()
    this.#grace?.cancel()
  }

  #end(ending: Ending): void {
    this.vanish()
    this.#steps.length = 0
    const usage = { wallMs: this.#clock.now() - this.#startedMs }
    void this.#judge(ending).then(async (judged) => {
      const outcome = { ...judged, usage }
      await writeOutcome(this.#folder.path, outcome)
      this.#resolve(outcome)
    })
  }

  async #judge(ending: Ending): Promise<Ending> {
    if (!this.#stopped || ending.reason !== 'exited') return ending
    const reason = stopOutcomes[this.#stopped]
    const isPaused = await checkpointSeen(attemptFiles(this.#folder.path).events)
    return { ...ending, reason: reason === 'paused' && !isPaused ? 'cancelled' : reason }
  }
}

const split = (step: string): [name: string, value: string] => {
  const at = step.indexOf('=')
  return at < 0 ? [step, ''] : [step.slice(0, at), step.slice(at + 1)]
}

const endingOf = (name: string, value: string): Ending => {
  if (name === 'exit') return { reason: 'exited', exitCode: Number(value), signal: null }
  if (name === 'signal') return { reason: 'exited', exitCode: null, signal: value }
  if (name === 'reason' && Object.hasOwn(outcomeTable, value)) {
    return { reason: value as OutcomeReason, exitCode: null, signal: null }
  }
  return { reason: 'start_failed', exitCode: null, signal: null }
}

const lost: Outcome = { reason: 'shim_lost', exitCode: null, signal: null }

export const createDummyExecutor = ({ clock, probe }: DummyOptions): Executor => {
  const plays = new Map<string, Play>()
  return {
    name: 'dummy',
    probe: async () => probe ?? { sandboxes: ['none'], reasons: {} },
    async start(folder) {
      mkdirSync(attemptFiles(folder.path).work, { recursive: true })
      if (claim(folder.path)) {
        const play = new Play(folder, clock)
        plays.set(folder.path, play)
        play.play()
      }
      return { folder }
    },
    recover: async (folder) => (readClaim(folder.path) ? { folder } : null),
    async stop({ folder }, why) {
      requestStop(folder.path, why)
      plays.get(folder.path)?.stop(why)
    },
    async wait({ folder }) {
      return readOutcome(folder.path) ?? (await plays.get(folder.path)?.ended) ?? lost
    },
    async destroy({ folder }: Handle) {
      plays.get(folder.path)?.vanish()
      plays.delete(folder.path)
    },
  }
}
