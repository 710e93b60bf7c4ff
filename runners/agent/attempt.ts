/**
 * One attempt on its way through a node. What lies on disk says how far it is, so that every line
 * may run again after the agent was killed at any other line.
 */
import type { Outcome, SyncRequest } from '../../src/jobs/protocol.ts'
import type { Executor, Handle } from '../executor.ts'
import { OutputRefusedError } from '../workspace/output-file.ts'
import { GoneError, RevokedError } from './answers.ts'
import { type Ended, readEnded, readStarting, type StoredAttempt } from './attempt-store.ts'
import { begin } from './begin.ts'
import { ChangedFileError } from './blob-upload.ts'
import { conclude, endedEarly } from './conclude.ts'
import { Deadline } from './deadline.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import type { NodeContext } from './node-context.ts'
import { Backoff, pause } from './pause.ts'
import { StartPermit } from './start-permit.ts'

export type Holding = SyncRequest['holding'][number]
export type Desired = 'run' | 'pause' | 'cancel'

interface Running {
  readonly executor: Executor
  readonly handle: Handle
}

/** A phase may be shown a little late; that a slot is free, not. */
const phaseSoonMs = 250
/** While the server refuses the credential. */
const revokedMs = 15_000

export class Attempt {
  readonly stored: StoredAttempt
  readonly #node: NodeContext
  readonly #stopping: AbortSignal
  readonly #permit: StartPermit
  readonly #deadline: Deadline
  #holding: Holding
  #desired: Desired = 'run'
  /** The server wants nothing of it any more. */
  #isDropped = false
  #unprepare = new AbortController()
  #running: Running | null = null
  #askedToStop: string | null = null
  #delivery: Delivery | null = null

  constructor(node: NodeContext, stored: StoredAttempt, stopping: AbortSignal) {
    this.stored = stored
    this.#node = node
    this.#stopping = stopping
    this.#permit = new StartPermit(node.wire, stored)
    this.#deadline = new Deadline(stored, node.monotonicMs)
    this.#holding = { job: stored.job, attempt: stored.attempt, phase: 'preparing' }
  }

  get holding(): Holding {
    return this.#holding
  }

  get desired(): Desired | 'drop' {
    return this.#isDropped ? 'drop' : this.#desired
  }

  /** Resolves when nothing of the attempt is left here, or the agent stops. */
  async run(): Promise<void> {
    const { clock, random } = this.#node
    const backoff = new Backoff(random)
    while (!this.#stopping.aborted) {
      try {
        await (this.#isDropped ? this.#forget() : this.#drive())
        break
      } catch (error) {
        if (this.#stopping.aborted) break
        const wasDropped = this.#isDropped
        if (error instanceof GoneError) this.#isDropped = true
        // Dropping is tried at once, and again only after a rest.
        if (this.#isDropped && !wasDropped) continue
        this.#tellTrouble(error, backoff.failures)
        const delayMs = error instanceof RevokedError ? revokedMs : backoff.failedMs()
        await pause(clock, delayMs, this.#stopping)
      }
    }
    await this.#delivery?.close()
  }

  /** What the server wants of it; repeated with every sync, so a stop that failed comes again. */
  async want(desired: Desired): Promise<void> {
    this.#desired = desired
    if (desired === 'run') return
    this.#unprepare.abort()
    await this.#stop(desired)
  }

  /** It is none of this node's any more. */
  async drop(): Promise<void> {
    this.#isDropped = true
    this.#unprepare.abort()
    await this.#stop('cancel')
  }

  /** The server answered a call that was sent at `sentMs`. */
  async contact(sentMs: number): Promise<void> {
    if (!this.#isDropped && this.#holding.phase !== 'finished') await this.#deadline.move(sentMs)
  }

  /** For executors whose programs have nobody beside them who looks at the deadline. */
  async keepDeadline(): Promise<void> {
    if (this.#running && (await this.#deadline.isPast())) await this.#stop('deadline')
  }

  async #drive(): Promise<void> {
    const { stored } = this
    const ended =
      (await readEnded(stored.path)) ??
      (await conclude(stored, await this.#execute(), this.#stopping))
    await this.#deliver(ended)
    await this.#remove()
  }

  async #execute(): Promise<Outcome> {
    const starting = await readStarting(this.stored.path)
    const choice = await this.#node.executors.choose(this.stored.plan, starting?.executor)
    if ('refused' in choice) {
      // What it began may still run: an executor that is away for now must come back first.
      if (starting) throw new Error(choice.refused)
      return endedEarly('refused', choice.refused)
    }
    const { executor } = choice
    const found = (await executor.recover(this.stored)) ?? (await this.#begin(executor))
    if ('reason' in found) return found
    this.#running = { executor, handle: found }
    this.#askedToStop = null
    this.#show('running')
    if (this.#isDropped) throw new GoneError('dropped')
    if (this.#desired !== 'run') await this.#stop(this.#desired)
    const outcome = await this.#watch(executor, found)
    this.#show('uploading')
    return outcome
  }

  #begin(executor: Executor): Promise<Handle | Outcome> {
    this.#unprepare = new AbortController()
    return begin({
      node: this.#node,
      stored: this.stored,
      executor,
      permit: this.#permit,
      deadline: this.#deadline,
      signal: AbortSignal.any([this.#unprepare.signal, this.#stopping]),
      wishedEnd: () => this.#wishedEnd(),
      report: (phase, detail) => this.#show(phase, detail),
    })
  }

  #wishedEnd(): Outcome | null {
    if (this.#isDropped) throw new GoneError('dropped')
    if (this.#desired === 'cancel') return endedEarly('cancelled', 'Cancelled before it began')
    return this.#desired === 'pause' ? endedEarly('paused', 'Paused before it began') : null
  }

  /** Sends what the program writes until it has ended. */
  async #watch(executor: Executor, handle: Handle): Promise<Outcome> {
    const over = new AbortController()
    const following = this.#follow(AbortSignal.any([over.signal, this.#stopping]))
    const ended = executor.wait(handle)
    try {
      return await Promise.race([ended, following.then(() => never), aborted(this.#stopping)])
    } finally {
      over.abort()
      await following.catch(() => undefined)
    }
  }

  /** Rejects only when the attempt is gone: a program runs on whatever the connection does. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#node
    const backoff = new Backoff(random)
    while (!signal.aborted) {
      try {
        return await (await this.#deliverer(signal)).follow(signal)
      } catch (error) {
        if (error instanceof GoneError) throw error
        await pause(clock, backoff.failedMs(), signal)
      }
    }
  }

  async #deliverer(signal: AbortSignal): Promise<Delivery> {
    const secrets = await this.#permit.secrets(signal)
    this.#delivery ??= createDelivery(this.#node, this.stored, secrets)
    return this.#delivery
  }

  async #deliver(first: Ended): Promise<void> {
    const { clock, random } = this.#node
    this.#show('uploading')
    const backoff = new Backoff(random)
    const delivery = await this.#deliverer(this.#stopping)
    let ended = first
    for (;;) {
      try {
        if (await delivery.finish(ended, this.#stopping)) return
      } catch (error) {
        if (!(error instanceof ChangedFileError || error instanceof OutputRefusedError)) throw error
        ended = await conclude(this.stored, ended.outcome, this.#stopping)
      }
      if (this.#isDropped) throw new GoneError('dropped')
      await pause(clock, backoff.failedMs(), this.#stopping)
    }
  }

  /** Ends what still runs, and removes every trace. */
  async #forget(): Promise<void> {
    const starting = await readStarting(this.stored.path)
    const choice = await this.#node.executors.choose(this.stored.plan, starting?.executor)
    if ('refused' in choice && starting) throw new Error(choice.refused)
    if ('executor' in choice) {
      const { executor } = choice
      const handle = this.#running?.handle ?? (await executor.recover(this.stored))
      if (handle) {
        this.#running = { executor, handle }
        await this.#stop('cancel')
        await Promise.race([executor.wait(handle), aborted(this.#stopping)])
      }
    }
    await this.#remove()
  }

  async #remove(): Promise<void> {
    const starting = await readStarting(this.stored.path)
    if (starting) {
      const executor = this.#running?.executor ?? this.#node.executors.named(starting.executor)
      await executor?.destroy(this.#running?.handle ?? { folder: this.stored })
    }
    this.#show('finished')
    await this.#node.store.remove(this.stored)
    this.#node.changed(0)
  }

  async #stop(why: 'pause' | 'cancel' | 'deadline'): Promise<void> {
    const isOver = this.#holding.phase === 'uploading' || this.#holding.phase === 'finished'
    if (!this.#running || isOver || this.#askedToStop === why) return
    const { executor, handle } = this.#running
    await executor.stop(handle, why)
    this.#askedToStop = why
  }

  #show(phase: Holding['phase'], detail?: string): void {
    const { job, attempt } = this.stored
    this.#holding = { job, attempt, phase, ...(detail !== undefined && { detail }) }
    if (phase !== 'finished') this.#node.changed(phaseSoonMs)
  }

  #tellTrouble(error: unknown, failures: number): void {
    const { job, attempt } = this.stored
    const message = error instanceof Error ? error.message : String(error)
    const level = failures > 3 ? 'warn' : 'debug'
    this.#node.log[level]('an attempt waits for another try', { job, attempt, reason: message })
  }
}

const never = new Promise<never>(() => undefined)

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const fail = () => reject(new DOMException('The agent stops', 'AbortError'))
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
