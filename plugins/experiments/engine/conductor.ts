/**
 * Runs one experiment: asks the policy what to do next, has it written, has it run, has it judged.
 *
 * The loop keeps nothing that is not in the journal, so it can be cut off anywhere: whoever
 * conducts next takes up the jobs that are there and goes on. No step waits for another one: a
 * worker that is free takes the next node, and nodes are written while others run.
 */
import type { Journal } from '../journal/journal.ts'
import type { Node } from '../journal/node.ts'
import type { Decide } from '../journal/store.ts'
import type { ProposeContext } from '../propose/proposer.ts'
import type { Action, Random } from '../search/policy.ts'
import { Bell } from './bell.ts'
import type { ConductorOptions, Ending } from './conductor-options.ts'
import { finished, proposed, requeued, running } from './node-events.ts'
import { withPending } from './pending.ts'
import { elapsedMs, isOpen, isRunning } from './phase.ts'
import { proposeContext } from './propose-context.ts'
import { stepRequest } from './step-request.ts'
import { unless } from './unless.ts'

/** Budgets run out while a program runs, too. */
const lookMs = 1_000

export class Conductor {
  readonly #options: ConductorOptions
  readonly #bell = new Bell()
  /** Aborted by a stop, a failure, or an end that another hand wrote into the journal. */
  readonly #abort = new AbortController()
  readonly #writing = new Map<number, Action>()
  readonly #running = new Map<string, Promise<void>>()
  /** Nodes whose programs this conductor has seen to. */
  readonly #taken = new Set<string>()
  #journal: Journal
  #failure: { readonly error: unknown } | undefined
  #packages: Readonly<Record<string, string>> = {}
  #spent: string | null = null
  #isComplete = false

  constructor(options: ConductorOptions, journal: Journal) {
    this.#options = options
    this.#journal = journal
    const { stop, leave } = options
    this.#abort.signal.addEventListener('abort', () => this.#bell.ring())
    leave.addEventListener('abort', () => this.#bell.ring())
    stop.addEventListener('abort', () => this.#abort.abort())
    if (stop.aborted) this.#abort.abort()
  }

  /** The journal as somebody has written it: this conductor, a user, another server. */
  see(journal: Journal): void {
    if (journal.version > this.#journal.version) this.#journal = journal
    if (!isRunning(this.#journal)) this.#abort.abort()
    this.#bell.ring()
  }

  /** @throws whatever made the experiment fail */
  async run(): Promise<Ending> {
    const timer = this.#options.clock.every(lookMs, () => this.#bell.ring())
    try {
      await this.#prepare()
      do await this.#search()
      while (!(await this.#conclude()))
    } catch (error) {
      this.#fail(error)
      await this.#search()
    } finally {
      timer.cancel()
    }
    if (this.#isLeft) return 'detached'
    if (this.#failure) throw this.#failure.error
    if (this.#isComplete) return 'completed'
    return isRunning(this.#journal) ? 'stopped' : 'ended'
  }

  get #isLeft(): boolean {
    return this.#options.leave.aborted
  }

  get #isEnding(): boolean {
    return this.#abort.signal.aborted
  }

  /** An environment may have to be built first, which takes as long as it takes. */
  async #prepare(): Promise<void> {
    const { experiment, executor, owner, leave } = this.#options
    const isTakenUp = this.#journal.nodes.some(({ state }) => state === 'running')
    // Programs that run already have one, and are to be cancelled in it.
    const cut = isTakenUp ? leave : AbortSignal.any([leave, this.#abort.signal])
    this.#packages = await unless(cut, executor.packages(owner, experiment.settings.exec))
  }

  /** Until nothing is left to do, or to be waited for. */
  async #search(): Promise<void> {
    while (await this.#advance()) await this.#bell.heard()
  }

  /** Starts what can be started; false when nothing is left. */
  async #advance(): Promise<boolean> {
    if (this.#isLeft) return false
    if (!this.#isEnding) this.#spent ??= await this.#options.spent(this.#journal)
    this.#startPrograms()
    this.#startWriting()
    return this.#running.size > 0 || this.#writing.size > 0 || this.#isWaiting()
  }

  /** For a user: to approve a program, or to end a pause. */
  #isWaiting(): boolean {
    const { nodes, isPaused } = this.#journal
    if (this.#isEnding || this.#spent !== null) return false
    return nodes.some(isOpen) || (isPaused && this.#stepsLeft() > 0)
  }

  #stepsLeft(): number {
    const { nodes, totalSteps } = this.#journal
    return Math.max(0, totalSteps - nodes.length - this.#writing.size)
  }

  get #mayBegin(): boolean {
    return !this.#isEnding && !this.#journal.isPaused && this.#spent === null
  }

  #startPrograms(): void {
    if (this.#isLeft) return
    for (const node of this.#journal.nodes) {
      if (!this.#isDue(node)) continue
      this.#taken.add(node.id)
      const run = this.#execute(node)
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          this.#running.delete(node.id)
          this.#bell.ring()
        })
      this.#running.set(node.id, run)
    }
  }

  /** What runs since before is taken up in any case, if only to be cancelled. */
  #isDue({ id, state, isPruned }: Node): boolean {
    if (state === 'running') return !this.#taken.has(id)
    const { workers } = this.#options.experiment.settings
    const isFree = this.#running.size < workers && !this.#running.has(id)
    return state === 'ready' && !isPruned && isFree && this.#mayBegin
  }

  /** Nodes are written ahead only where several run at once: one worker sees every result first. */
  #startWriting(): void {
    const { settings } = this.#options.experiment
    const most = settings.workers > 1 ? settings.workers + 1 : 1
    const open = () => this.#journal.nodes.filter(isOpen).length + this.#writing.size
    while (!this.#isLeft && this.#mayBegin && this.#stepsLeft() > 0 && open() < most) {
      // Neither of the two ever falls without the other's rise: no two decisions have one number.
      const decision = this.#journal.nodes.length + this.#writing.size + 1
      const random = this.#options.randomOf(decision)
      const seen = withPending(this.#journal, this.#writing.values())
      const action = this.#options.decide(seen, this.#elapsedShare(), random)
      this.#writing.set(decision, action)
      void this.#write(decision, action, random)
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          this.#writing.delete(decision)
          this.#bell.ring()
        })
    }
  }

  async #write(decision: number, action: Action, random: Random): Promise<void> {
    const { proposer, experiment } = this.#options
    const proposal = await proposer.propose(action, this.#context(decision, random))
    if (this.#isEnding) return
    await this.#append(proposed(action, proposal, experiment.settings.approve))
  }

  async #execute(node: Node): Promise<void> {
    const { executor, experiment, owner, groundwork, judge, randomOf } = this.#options
    const attempt = node.requeues === 0 ? node.id : `${node.id}~${node.requeues}`
    const most = { timeoutS: this.#secondsLeft() }
    const request = stepRequest(experiment, owner, groundwork, node, attempt, {}, most)
    const started = (jobId: string) => this.#append(running(node.id, jobId))
    const run = await executor.run(request, started, this.#abort.signal)
    if (run.failure === 'cancelled' && this.#isEnding) return this.#append(requeued(node.id))
    if (this.#isLeft) return
    const context = this.#context(node.step, randomOf(-node.step))
    const ran = this.#journal.nodes.find(({ id }) => id === node.id) ?? node
    const judged = await judge(ran, run, context, this.#journal.maximize)
    await this.#append(finished(node.id, run, judged))
  }

  /** False: somebody saw to it that there is more to do, while the end was made. */
  async #conclude(): Promise<boolean> {
    if (this.#isLeft || this.#isEnding) return true
    const { finish, leave, randomOf } = this.#options
    const journal = this.#journal
    const context = this.#context(journal.nodes.length, randomOf(0))
    const isSpent = this.#spent !== null
    const secondsLeft = () => this.#secondsLeft()
    const stop = this.#abort.signal
    const ending = finish({ journal, isSpent, stop, context, secondsLeft })
    const events = await unless(leave, ending)
    if (this.#isEnding) return true
    await this.#append(({ version }) => {
      this.#isComplete = version === journal.version
      if (!this.#isComplete) return []
      return this.#spent === null ? events : [{ type: 'noted', text: this.#spent }, ...events]
    })
    return this.#isComplete
  }

  #context(step: number, random: Random): ProposeContext {
    return proposeContext(this.#options.experiment, this.#options.groundwork, {
      journal: this.#journal,
      step,
      stepsLeft: this.#stepsLeft(),
      secondsLeft: this.#secondsLeft(),
      packages: this.#packages,
      random,
      signal: this.#abort.signal,
    })
  }

  #elapsedS(): number {
    return elapsedMs(this.#journal, this.#options.clock.now()) / 1000
  }

  #secondsLeft(): number | null {
    const { seconds } = this.#options.experiment.settings.budget
    return seconds === undefined ? null : Math.max(0, seconds - this.#elapsedS())
  }

  #elapsedShare(): number {
    const { seconds } = this.#options.experiment.settings.budget
    const { nodes, totalSteps } = this.#journal
    const ofSteps = nodes.length / Math.max(1, totalSteps)
    const ofTime = seconds === undefined ? 0 : this.#elapsedS() / seconds
    return Math.min(1, Math.max(ofSteps, ofTime))
  }

  /** Whoever has left writes nothing: another one may conduct by then. */
  async #append(decide: Decide): Promise<void> {
    if (this.#isLeft) return
    this.see(await this.#options.append(decide))
  }

  /** The first failure ends the experiment; what runs is cancelled. */
  #fail(error: unknown): void {
    if (this.#isLeft || this.#isEnding) return
    this.#failure = { error }
    this.#abort.abort()
  }
}
