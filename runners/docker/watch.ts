/**
 * Stays with one container to its end: holds it to its limits, passes on what is asked of it, and
 * writes the outcome. Everything it knows is on disk or at the engine, so that whoever starts it
 * again goes on where it was.
 */
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import type { Outcome, Usage } from '../../src/jobs/protocol.ts'
import { attemptFiles } from '../attempt-files.ts'
import { monotonicMs } from '../monotonic.ts'
import { readOutcome, writeOutcome } from '../shim/attempt-state.ts'
import { judge } from '../shim/judge.ts'
import { type Verdict, watchLimits } from '../shim/limits.ts'
import { wakeSignal } from '../shim/shim.ts'
import { type ContainerInfo, type Containers, containersOf } from './containers.ts'
import { createEngine, EngineAwayError } from './engine.ts'
import { copyLog, engineText } from './engine-log.ts'
import { readWatched, type Watched } from './watch-file.ts'

const lookEveryMs = 200
const measureEveryMs = 2000
/** Between looks at a container that has not started yet. */
const createdMs = 20
/** Between tries to reach an engine that is away. */
const awayMs = 500

/** How the shell and the init process say that the program could not become one. */
const notStarted = [126, 127]

/** Answers the exit code of the process that it is the whole of. */
export const watchContainer = async (folder: string): Promise<number> => {
  // Whoever stops the agent may stop all that it began: this one stays.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', wakeSignal] as const) {
    process.on(signal, () => undefined)
  }
  const watched = readWatched(folder)
  if (!watched) return 3
  if (readOutcome(folder)) return 0
  const outcome = await new Watch(folder, watched).toTheEnd()
  if (outcome && existsSync(folder)) await writeOutcome(folder, outcome)
  return 0
}

class Watch {
  readonly #folder: string
  readonly #watched: Watched
  readonly #containers: Containers
  readonly #limits: ReturnType<typeof watchLimits>
  readonly #over = new AbortController()
  #verdict: Verdict | null = null
  #killAtMs = Number.POSITIVE_INFINITY
  #signalled: 'SIGTERM' | 'SIGKILL' | null = null
  #wasAway = false
  #wake: () => void = () => undefined
  #nextMeasureMs = 0
  #usage: { cpuMs: number; peakMemoryBytes: number } | null = null

  constructor(folder: string, watched: Watched) {
    const { work, home, tmp } = attemptFiles(folder)
    this.#folder = folder
    this.#watched = watched
    this.#containers = containersOf(createEngine(watched.socket))
    const elapsedMs = Math.max(0, monotonicMs() - watched.startedMs)
    const launch = { limits: watched.limits, disk: [work, home, tmp], cgroup: null }
    this.#limits = watchLimits(folder, launch, null, elapsedMs)
  }

  /** Null when nobody wants to know any more: the attempt's folder is gone. */
  async toTheEnd(): Promise<Outcome | null> {
    process.on(wakeSignal, () => this.#wake())
    const copied = this.#copyLog()
    const ended = this.#untilEnded()
    const looking = this.#look()
    const info = await ended
    this.#over.abort()
    await Promise.all([looking, copied])
    if (!existsSync(this.#folder)) return null
    return info ? this.#judge(info) : gone
  }

  /** Null when there is no such container (any more). */
  async #untilEnded(): Promise<ContainerInfo | null> {
    const { container } = this.#watched
    while (existsSync(this.#folder)) {
      try {
        const info = await this.#containers.inspect(container)
        if (!info || (!info.State.Running && info.State.Status !== 'created')) return info
        if (info.State.Running) await this.#containers.untilStopped(container, this.#over.signal)
        // It is about to be started.
        else await Bun.sleep(createdMs)
      } catch (error) {
        if (error instanceof EngineAwayError) this.#wasAway = true
        await Bun.sleep(awayMs)
      }
    }
    return null
  }

  async #look(): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        this.#decide()
        await this.#carryOut()
        await this.#measure()
      } catch {
        // The engine is away, and the next look comes soon.
      }
      await this.#rest()
    }
  }

  #decide(): void {
    const found = this.#limits.look()
    if (!found || found.reason === this.#verdict?.reason) return
    // A cancellation may follow a pause; nothing else changes why it was ended first.
    const first = this.#verdict
    if (first && !(first.reason === 'paused' && found.reason === 'cancelled')) return
    this.#verdict = found
    this.#killAtMs = Math.min(this.#killAtMs, performance.now() + this.#watched.graceMs)
  }

  async #carryOut(): Promise<void> {
    if (!this.#verdict) return
    const signal = performance.now() >= this.#killAtMs ? 'SIGKILL' : 'SIGTERM'
    if (this.#signalled === signal) return
    await this.#containers.kill(this.#watched.container, signal)
    this.#signalled = signal
  }

  async #measure(): Promise<void> {
    if (performance.now() < this.#nextMeasureMs) return
    this.#nextMeasureMs = performance.now() + measureEveryMs
    const used = await this.#containers.usage(this.#watched.container)
    if (!used) return
    const peakMemoryBytes = Math.max(this.#usage?.peakMemoryBytes ?? 0, used.memoryBytes)
    this.#usage = { cpuMs: Math.round(used.cpuMs), peakMemoryBytes }
  }

  /** Until the next look is due, or something was asked, or the container has ended. */
  async #rest(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, lookEveryMs)
    this.#over.signal.addEventListener('abort', () => resolve(), { once: true })
    if (this.#over.signal.aborted) resolve()
    await promise
    clearTimeout(timer)
  }

  /** For a program that does not write its log itself. Ends when all of it has been copied. */
  async #copyLog(): Promise<void> {
    if (this.#watched.log === 'program') return
    const { log } = attemptFiles(this.#folder)
    while (existsSync(this.#folder)) {
      const isLast = this.#over.signal.aborted
      try {
        await copyLog(await this.#frames(!isLast), log)
        if (isLast) return
      } catch (error) {
        if (!isLast && this.#over.signal.aborted) continue
        if (isLast && !(await this.#isThere(error))) return
      }
      await this.#rest()
    }
  }

  async #frames(follow: boolean): Promise<AsyncIterable<Uint8Array>> {
    const { signal } = follow ? this.#over : new AbortController()
    const response = await this.#containers.logs(this.#watched.container, follow, signal)
    return response.body ?? new ReadableStream()
  }

  /** What is gone has no log to wait for. */
  async #isThere(error: unknown): Promise<boolean> {
    if (error instanceof EngineAwayError) return true
    try {
      return (await this.#containers.inspect(this.#watched.container)) !== null
    } catch {
      return true
    }
  }

  async #judge({ State: state }: ContainerInfo): Promise<Outcome> {
    const usage = this.#usageOf(state)
    const complaint = await this.#complaint(state)
    if (complaint !== null && !this.#verdict) {
      return { reason: 'start_failed', exitCode: null, signal: null, message: complaint }
    }
    const { memoryBytes } = this.#watched.limits
    const oom: Verdict | null = state.OOMKilled
      ? { reason: 'oom', message: `The job needed more than ${memoryBytes} bytes of memory` }
      : null
    const verdict = this.#verdict ?? oom ?? this.#limits.lookBack()
    const ended = endOf(state.ExitCode)
    const outcome = await judge(this.#folder, ended, verdict)
    const isCut = this.#wasAway && !verdict && state.ExitCode !== 0
    const message = 'The container engine was restarted while the job ran'
    return { ...outcome, ...(isCut && { message }), usage }
  }

  #usageOf({ StartedAt, FinishedAt }: ContainerInfo['State']): Usage {
    const wallMs = Math.max(0, Date.parse(FinishedAt) - Date.parse(StartedAt))
    return { wallMs: Math.round(wallMs), ...this.#usage }
  }

  /** What shell or init said when they could not become the program; null when they did. */
  async #complaint(state: ContainerInfo['State']): Promise<string | null> {
    if (state.Error !== '') return state.Error
    if (!notStarted.includes(state.ExitCode)) return null
    const { container, log } = this.#watched
    while (existsSync(this.#folder)) {
      try {
        const { signal } = new AbortController()
        const text = await engineText(await this.#containers.logs(container, false, signal))
        const isOurs = log === 'program' ? text !== '' : text.startsWith('[FATAL tini')
        return isOurs ? text.trim().slice(0, 1000) : null
      } catch (error) {
        if (!(error instanceof EngineAwayError)) return null
        await Bun.sleep(awayMs)
      }
    }
    return null
  }
}

const gone: Outcome = {
  reason: 'shim_lost',
  exitCode: null,
  signal: null,
  message: 'The container was removed while the job ran',
}

/** The init process passes on a signal's death as a shell does. */
const endOf = (exitCode: number): { code: number | null; signal: string | null } => {
  const found = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)
  return found ? { code: null, signal: found[0] } : { code: exitCode, signal: null }
}
