/** The conversation of a node: it says all it has and is told all that is wanted, over and over. */
import {
  type Capacity,
  protocolVersion,
  type SyncReply,
  type SyncRequest,
} from '../../src/jobs/protocol.ts'
import { OutdatedError, RevokedError, UnreachableError } from './answers.ts'
import { Attempt } from './attempt.ts'
import type { StoredAttempt } from './attempt-store.ts'
import type { NodeContext } from './node-context.ts'
import { Backoff, pause, within } from './pause.ts'
import { WakeUp } from './wake-up.ts'

export interface LoopOptions {
  readonly node: Omit<NodeContext, 'changed'>
  readonly boot: string
  readonly version: string
  /** Measured anew from time to time: drivers fail, container engines come back. */
  capacity(): Promise<Capacity>
}

const maxWaitMs = 25_000
const minWaitMs = 250
const measureEveryMs = 60_000
const cleanEveryMs = 3_600_000
/** One refusal may be a server that is being restored; so many in a row are meant. */
const revocationsBelieved = 3
const farewellMs = 2000
const restMs = 20
const maxSilenceMs = 500

export class Loop {
  readonly #options: LoopOptions
  readonly #node: NodeContext
  readonly #attempts = new Map<string, Attempt>()
  readonly #running = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  readonly #wakeUp: WakeUp
  #isAccepting = true
  #capacity: Capacity | null = null
  #measuredAt = 0
  #cleanedAt = 0
  #contactAt = 0
  #wasCutShort = false
  #isOnline: boolean | null = null

  constructor(options: LoopOptions) {
    this.#options = options
    this.#wakeUp = new WakeUp(options.node.clock)
    this.#node = { ...options.node, changed: (soonMs) => this.#wakeUp.within(soonMs) }
  }

  get attempts(): number {
    return this.#attempts.size
  }

  /** Takes no new work from now on, and says so. */
  drain(): void {
    this.#isAccepting = false
    this.#wakeUp.within(0)
  }

  /** Leaves what runs to its shims. Resolves when nothing of this process touches it any more. */
  async stop(): Promise<void> {
    this.#isAccepting = false
    this.#stopping.abort()
    await Promise.all(this.#running)
    if (this.#isOnline !== true) return
    // So that nothing is given to it meanwhile; when it does not arrive, silence says the same.
    await within(this.#node.clock, farewellMs, undefined, (signal) =>
      this.#node.wire.sync(this.#report(0), signal),
    ).catch(() => undefined)
  }

  /**
   * Resolves after `stop`, or when a draining node has nothing left.
   * @throws RevokedError, OutdatedError: only its owner can help
   */
  async run(): Promise<void> {
    const { clock, random, store } = this.#node
    const { signal } = this.#stopping
    const backoff = new Backoff(random)
    for (const stored of await store.list()) this.#take(stored)
    let revocations = 0
    while (!signal.aborted && (this.#isAccepting || this.#attempts.size > 0)) {
      try {
        await this.#sync(signal)
        revocations = 0
        backoff.succeeded()
      } catch (error) {
        if (signal.aborted) break
        if (error instanceof OutdatedError) throw error
        if (error instanceof RevokedError && ++revocations >= revocationsBelieved) throw error
        this.#tellTrouble(error)
        await this.#keepDeadlines()
        await pause(clock, backoff.failedMs(), signal)
      }
    }
  }

  /** One round; something that changed here meanwhile cuts it short, and is told by the next. */
  async #sync(signal: AbortSignal): Promise<void> {
    const { wire, monotonicMs } = this.#node
    await this.#measure()
    const poll = this.#wakeUp.begin(signal)
    const sentMs = monotonicMs()
    const waitMs = this.#waitMs()
    let reply: SyncReply
    try {
      reply = await wire.sync(this.#report(waitMs), poll.signal)
    } catch (error) {
      this.#wasCutShort = poll.isWoken()
      if (this.#wasCutShort && !signal.aborted) return
      throw error
    } finally {
      poll.end()
    }
    this.#tellOnline()
    this.#wasCutShort = false
    this.#contactAt = this.#node.clock.now()
    for (const attempt of this.#attempts.values()) await attempt.contact(sentMs)
    const isNews = this.#isNews(reply)
    this.#obey(reply)
    await this.#takeUp(reply, sentMs)
    // A server that has nothing to say and does not wait either is not asked without pause.
    if (!isNews && waitMs > 0) await this.#wakeUp.rest(restMs, signal)
  }

  #isNews({ work, want, drop }: SyncReply): boolean {
    const desiredOf = (id: { job: string; attempt: number }) =>
      this.#attempts.get(keyOf(id))?.desired
    return (
      work.some((assignment) => !this.#attempts.has(keyOf(assignment))) ||
      want.some((wish) => desiredOf(wish) !== wish.desired) ||
      drop.some((id) => desiredOf(id) !== 'drop')
    )
  }

  #report(waitMs: number): SyncRequest {
    return {
      boot: this.#options.boot,
      protocol: protocolVersion,
      version: this.#options.version,
      capacity: this.#capacity ?? nothing,
      accepting: this.#isAccepting,
      holding: [...this.#attempts.values()].map(({ holding }) => holding),
      waitMs,
    }
  }

  /**
   * Contact must be made several times before any cut-off passes, and a poll that is cut short by
   * a change makes none.
   */
  #waitMs(): number {
    const silentMs = this.#node.clock.now() - this.#contactAt
    if (this.#isOnline !== true || (this.#wasCutShort && silentMs > maxSilenceMs)) return 0
    const cutOffs = [...this.#attempts.values()].flatMap(({ stored }) => stored.stopAfterMs ?? [])
    return Math.max(minWaitMs, Math.min(maxWaitMs, ...cutOffs.map((ms) => Math.floor(ms / 4))))
  }

  /** On disk before the next round says that it is held. */
  async #takeUp({ work }: SyncReply, sentMs: number): Promise<void> {
    for (const assignment of work) {
      if (this.#attempts.has(keyOf(assignment))) continue
      const { stopAfterMs } = assignment
      const deadlineMs = stopAfterMs === null ? null : sentMs + stopAfterMs
      this.#take(await this.#node.store.add(assignment, deadlineMs))
    }
  }

  /** Never waits for a program: the conversation goes on meanwhile, and says it all again. */
  #obey({ want, drop }: SyncReply): void {
    const { log } = this.#node
    const tell = (error: Error) => log.warn('a stop failed', { reason: error.message })
    for (const { job, attempt, desired } of want) {
      this.#attempts.get(keyOf({ job, attempt }))?.want(desired).catch(tell)
    }
    for (const id of drop) this.#attempts.get(keyOf(id))?.drop().catch(tell)
  }

  #take(stored: StoredAttempt): void {
    const attempt = new Attempt(this.#node, stored, this.#stopping.signal)
    this.#attempts.set(keyOf(stored), attempt)
    const running = attempt.run().finally(() => {
      this.#running.delete(running)
      if (this.#stopping.signal.aborted) return
      this.#attempts.delete(keyOf(stored))
      this.#wakeUp.within(0)
    })
    this.#running.add(running)
  }

  async #keepDeadlines(): Promise<void> {
    for (const attempt of this.#attempts.values()) await attempt.keepDeadline()
  }

  async #measure(): Promise<void> {
    const now = this.#node.clock.now()
    if (now - this.#cleanedAt >= cleanEveryMs) {
      this.#cleanedAt = now
      const { preparation, log } = this.#node
      void preparation.clean().catch((error: Error) => {
        log.warn('what is unused could not be removed', { reason: error.message })
      })
    }
    if (this.#capacity && now - this.#measuredAt < measureEveryMs) return
    this.#measuredAt = now
    // What runs here must not fall silent while an engine takes its time: the first is awaited.
    if (this.#capacity) void this.#measureAgain(this.#capacity).catch(this.#tellTrouble.bind(this))
    else this.#capacity = await this.#options.capacity()
  }

  async #measureAgain(before: Capacity): Promise<void> {
    this.#capacity = await this.#options.capacity()
    if (!Bun.deepEquals(this.#capacity, before)) this.#wakeUp.within(0)
  }

  #tellOnline(): void {
    if (this.#isOnline !== true) this.#node.log.info('the server answers')
    this.#isOnline = true
  }

  #tellTrouble(error: unknown): void {
    const { log } = this.#node
    const message = error instanceof Error ? error.message : String(error)
    if (!(error instanceof UnreachableError || error instanceof RevokedError)) {
      log.error('this node cannot do what it was told', { reason: message })
      return
    }
    if (this.#isOnline !== false) {
      log.warn('the server does not answer; what runs here runs on', { reason: message })
    }
    this.#isOnline = false
  }
}

const nothing: Capacity = {
  slots: 0,
  cpus: 0,
  memoryBytes: 0,
  gpus: [],
  labels: [],
  sandboxes: [],
}

const keyOf = ({ job, attempt }: { readonly job: string; readonly attempt: number }) =>
  `${job}-${attempt}`
