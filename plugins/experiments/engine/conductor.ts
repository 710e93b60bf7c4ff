/**
 * Runs one experiment: asks the policy what to do next, has it written, has it run, has it judged.
 *
 * The loop keeps nothing that is not in the journal, so it can be cut off anywhere: whoever
 * conducts next takes up the jobs that are there and goes on. No step waits for another one: a
 * worker that is free takes the next node, and nodes are written while others run.
 */
import type { Timer } from '../../../src/sdk.ts'
import type { StepRequest } from '../execution/executor.ts'
import type { JournalEvent } from '../journal/events.ts'
import type { Journal } from '../journal/journal.ts'
import type { Node } from '../journal/node.ts'
import type { Decide } from '../journal/store.ts'
import type { Proposal, ProposeContext } from '../propose/proposer.ts'
import type { Action, Random } from '../search/policy.ts'
import { Bell } from './bell.ts'
import type { ConductorOptions, Ending } from './conductor-options.ts'
import { parentsOf, withPending } from './pending.ts'
import { stepRequest } from './step-request.ts'
import { withoutCode } from './without-code.ts'

export class Conductor {
  readonly #options: ConductorOptions
  readonly #bell = new Bell()
  readonly #abort = new AbortController()
  readonly #writing = new Map<number, Action>()
  readonly #running = new Map<string, Promise<void>>()
  #journal: Journal
  #decisions: number
  #isDetached = false
  #failure: unknown
  #packages: Readonly<Record<string, string>> = {}
  #end: string | null = null
  #timer: Timer | undefined

  constructor(options: ConductorOptions, journal: Journal) {
    this.#options = options
    this.#journal = journal
    this.#decisions = journal.nodes.length
  }

  /** The journal changed by somebody else's hand: a user's, or another server's. */
  async refresh(): Promise<void> {
    this.#see(await this.#options.load())
  }

  /** Cancels what runs; `run` resolves when nothing does any more. */
  stop(): void {
    this.#abort.abort()
    this.#bell.ring()
  }

  /** Leaves everything as it is: jobs go on, another conductor takes them up. */
  detach(): void {
    this.#isDetached = true
    this.#bell.ring()
  }

  async run(): Promise<Ending> {
    const { experiment, executor, owner, clock } = this.#options
    // Budgets run out while a program runs, too.
    this.#timer = clock.every(1_000, () => this.#bell.ring())
    try {
      this.#packages = await executor.packages(owner, experiment.settings.exec)
      while (await this.#advance()) await this.#bell.heard()
      if (this.#isDetached) return 'detached'
      return await this.#conclude()
    } finally {
      this.#timer.cancel()
    }
  }

  /** Starts what can be started; false when nothing is left to do. */
  async #advance(): Promise<boolean> {
    if (this.#isDetached) return false
    const stopping = this.#abort.signal.aborted || this.#failure !== undefined
    if (!stopping) {
      this.#end ??= await this.#options.spent(this.#journal)
      this.#startPrograms()
      this.#startWriting()
    }
    return this.#running.size > 0 || this.#writing.size > 0 || (!stopping && this.#isWaiting())
  }

  /** For a user: to approve a program, or to end a pause. */
  #isWaiting(): boolean {
    const { nodes, isPaused } = this.#journal
    if (this.#end !== null) return false
    return nodes.some(isOpen) || (isPaused && this.#stepsLeft() > 0)
  }

  #stepsLeft(): number {
    const { nodes, totalSteps } = this.#journal
    return totalSteps - nodes.length - this.#writing.size
  }

  #startPrograms(): void {
    const { workers } = this.#options.experiment.settings
    if (this.#journal.isPaused) return
    for (const node of this.#journal.nodes) {
      if (this.#running.size >= workers) return
      const isTakenUp = node.state === 'running'
      if ((!isTakenUp && (node.state !== 'ready' || this.#end !== null)) || node.isPruned) continue
      if (this.#running.has(node.id)) continue
      const running = this.#execute(node)
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          this.#running.delete(node.id)
          this.#bell.ring()
        })
      this.#running.set(node.id, running)
    }
  }

  /** Nodes are written ahead only where several run at once: one worker sees every result first. */
  #startWriting(): void {
    const { workers } = this.#options.experiment.settings
    const ahead = workers > 1 ? 1 : 0
    if (this.#journal.isPaused || this.#end !== null) return
    const open = () => this.#journal.nodes.filter(isOpen).length + this.#writing.size
    while (this.#stepsLeft() > 0 && open() < workers + ahead) {
      const decision = ++this.#decisions
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
    const context = this.#context(decision, random)
    const proposal = await proposer.propose(action, context)
    if (this.#isDetached || this.#abort.signal.aborted) return
    await this.#propose(action, proposal, experiment.settings.approve)
  }

  async #propose(
    action: Action,
    { plan, code, problem, author, calls }: Proposal,
    needsApproval: boolean,
  ): Promise<void> {
    const hasCode = code !== ''
    await this.#append(({ nodes }) => {
      const step = nodes.length + 1
      const node = `node_${step}`
      const proposed: JournalEvent = {
        type: 'proposed',
        node,
        step,
        parents: parentsOf(action),
        stage: action.kind,
        plan,
        code,
        author,
        calls,
        needsApproval: needsApproval && hasCode,
      }
      return hasCode
        ? [proposed]
        : [proposed, withoutCode(node, problem ?? 'There is no program in it')]
    })
  }

  async #execute(node: Node): Promise<void> {
    const { executor, judge } = this.#options
    const started = async (jobId: string) => {
      if (node.jobId === jobId) return
      await this.#append(() => [{ type: 'running', node: node.id, jobId }])
    }
    const run = await executor.run(this.#request(node), started, this.#abort.signal)
    if (this.#isDetached) return
    // Stopped, not finished: whoever goes on begins it anew.
    if (run.failure === 'cancelled' && this.#abort.signal.aborted) {
      return this.#append(() => [{ type: 'requeued', node: node.id }])
    }
    const context = this.#context(node.step, this.#options.randomOf(-node.step))
    const ran = this.#journal.nodes.find(({ id }) => id === node.id) ?? node
    const { verdict, lowerIsBetter } = await judge(ran, run, context, this.#journal.maximize)
    if (this.#isDetached) return
    await this.#append(({ maximize }) => {
      const finished: JournalEvent = { type: 'finished', node: node.id, run, verdict }
      const isFirst = maximize === null && lowerIsBetter !== null && verdict.metric !== null
      return isFirst ? [{ type: 'directed', maximize: !lowerIsBetter }, finished] : [finished]
    })
  }

  #request(node: Node): StepRequest {
    const { experiment, owner, groundwork } = this.#options
    const attempt = node.requeues === 0 ? node.id : `${node.id}~${node.requeues}`
    return stepRequest(experiment, owner, groundwork, node, attempt, {})
  }

  /** What is known at the end, for the one who writes about it. */
  contextOf(journal: Journal): ProposeContext {
    const { randomOf } = this.#options
    return { ...this.#context(journal.nodes.length, randomOf(0)), journal }
  }

  #context(step: number, random: Random): ProposeContext {
    const { experiment, groundwork } = this.#options
    const { settings } = experiment
    return {
      experimentId: experiment.id,
      goal: experiment.goal,
      evaluation: experiment.evaluation,
      task: groundwork.task,
      preview: settings.dataPreview ? groundwork.preview : null,
      journal: this.#journal,
      timeoutS: settings.exec.timeoutS,
      kFold: settings.kFold,
      exposePrediction: settings.exposePrediction,
      stepsLeft: Math.max(0, this.#stepsLeft()),
      secondsLeft: this.#secondsLeft(),
      packages: this.#packages,
      step,
      random,
      signal: this.#abort.signal,
    }
  }

  #secondsLeft(): number | null {
    const { budget } = this.#options.experiment.settings
    return budget.seconds === undefined ? null : Math.max(0, budget.seconds - this.#elapsedS())
  }

  #elapsedS(): number {
    return (this.#options.clock.now() - (this.#journal.startedAt ?? 0)) / 1000
  }

  #elapsedShare(): number {
    const { seconds } = this.#options.experiment.settings.budget
    const { nodes, totalSteps } = this.#journal
    const ofSteps = nodes.length / Math.max(1, totalSteps)
    const ofTime = seconds === undefined ? 0 : this.#elapsedS() / seconds
    return Math.min(1, Math.max(ofSteps, ofTime))
  }

  async #append(decide: Decide): Promise<void> {
    this.#see(await this.#options.append(decide))
  }

  #see(journal: Journal): void {
    if (journal.version > this.#journal.version) this.#journal = journal
    this.#bell.ring()
  }

  /** The first failure ends the experiment; what runs is cancelled. */
  #fail(error: unknown): void {
    if (this.#isDetached || this.#abort.signal.aborted) return
    this.#failure ??= error
    this.#abort.abort()
  }

  async #conclude(): Promise<Ending> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#abort.signal.aborted) return 'stopped'
    const end = this.#end
    if (end !== null) await this.#append(() => [{ type: 'noted', text: end }])
    const events = await this.#options.finish(this.#journal, this.#abort.signal)
    if (this.#isDetached) return 'detached'
    if (this.#abort.signal.aborted) return 'stopped'
    await this.#append(() => events)
    return 'completed'
  }
}

/** A pruned node that has not run never will. */
const isOpen = ({ state, isPruned }: Node): boolean =>
  state === 'running' || (state !== 'finished' && !isPruned)
