/** A desk of customer support: look up what the rules demand, then do what is right. */
import type { Environment, Scenario, Step, Verdict } from '../../environment.ts'
import { Random } from '../../random.ts'
import { lawful, part, sequential, weightedSum } from '../../rubric.ts'
import { conversation } from './conversation.ts'
import { maxSteps, observations, writeObservation } from './observation.ts'
import {
  actions,
  drawTicket,
  intents,
  type Lookup,
  lookups,
  requiredLookups,
  type Resolution,
  rightResolution,
  type Ticket,
  twinOf,
  violationsOf,
} from './ticket.ts'

const rewards = { neededLookup: 0.1, otherStep: -0.02, success: 1 }

export const customerSupport: Scenario = {
  spec: {
    id: 'customer_support',
    version: 1,
    name: 'Customer support',
    description:
      'Answers tickets by the rules of the house: finds out what is hidden with five tools, then ' +
      'resolves the ticket with one of six, or declines.',
    difficulty: 'beginner',
    tasks: intents,
    observations,
    actions,
    maxSteps,
    metrics: ['resolution', 'lookups', 'efficiency'],
    features: ['tools', 'hidden state', 'vague messages', 'policy violations'],
  },
  conversation,
  rubric: sequential(
    lawful,
    weightedSum([3, part('resolution')], [2, part('lookups')], [0, part('efficiency')]),
  ),
  make: () => new Desk(),
}

interface Saved {
  readonly ticket: Ticket
  readonly known: readonly Lookup[]
  readonly last: number
  readonly steps: number
  readonly resolution: Resolution | null
  readonly isOver: boolean
}

export class Desk implements Environment {
  readonly actions = actions.length
  ticket: Ticket = drawTicket(new Random(0))
  /** The action that came last; -1: none yet. */
  last = -1
  #known = new Set<Lookup>()
  #steps = 0
  #resolution: Resolution | null = null
  #isOver = true

  get task(): number {
    return intents.indexOf(this.ticket.intent)
  }

  reset(seed: number, into: Float32Array): void {
    this.ticket = drawTicket(new Random(seed))
    this.#known = new Set()
    this.last = -1
    this.#steps = 0
    this.#resolution = null
    this.#isOver = false
    this.#write(into)
  }

  step(action: number, into: Float32Array): Step {
    if (this.#isOver) throw new Error('The episode is over')
    const name = actions[action]
    if (name === undefined) throw new RangeError(`There is no action ${action}`)
    this.#steps++
    this.last = action
    const reward = isLookup(name) ? this.#lookUp(name) : this.#resolve(name)
    const terminated = this.#resolution !== null
    const truncated = !terminated && this.#steps >= maxSteps
    this.#isOver = terminated || truncated
    this.#write(into)
    return { reward, terminated, truncated }
  }

  mask(): null {
    return null
  }

  oracle(): number {
    const missing = requiredLookups(this.ticket).find((lookup) => !this.#known.has(lookup))
    return actions.indexOf(missing ?? rightResolution(this.ticket))
  }

  /** Takes the message at its word and never asks who is there. */
  heuristic(random: Random): number {
    const { intent, isVague } = this.ticket
    const believed = isVague && random.next() < 0.5 ? twinOf[intent] : intent
    const wanted = requiredLookups({ ...this.ticket, intent: believed, amount: 0 })
    const missing = wanted.find((lookup) => !this.#known.has(lookup))
    const guess = { ...this.ticket, intent: believed, isFraud: false }
    return actions.indexOf(missing ?? rightResolution(guess))
  }

  verdict(): Verdict {
    const required = requiredLookups(this.ticket)
    const found = required.filter((lookup) => this.#known.has(lookup)).length
    const done = this.#resolution
    const violations = done ? violationsOf(this.ticket, done, this.#known) : []
    const isRight = done === rightResolution(this.ticket)
    return {
      success: isRight && found === required.length && violations.length === 0,
      components: {
        resolution: isRight ? 1 : 0,
        lookups: found / required.length,
        efficiency: isRight ? Math.min(1, (required.length + 1) / this.#steps) : 0,
      },
      violations,
    }
  }

  knows(lookup: Lookup): boolean {
    return this.#known.has(lookup)
  }

  save(): Saved {
    return {
      ticket: this.ticket,
      known: [...this.#known],
      last: this.last,
      steps: this.#steps,
      resolution: this.#resolution,
      isOver: this.#isOver,
    }
  }

  load(state: unknown): void {
    const { ticket, known, last, steps, resolution, isOver } = state as Saved
    this.ticket = ticket
    this.#known = new Set(known)
    this.last = last
    this.#steps = steps
    this.#resolution = resolution
    this.#isOver = isOver
  }

  #lookUp(lookup: Lookup): number {
    const isNew = !this.#known.has(lookup)
    this.#known.add(lookup)
    const isNeeded = requiredLookups(this.ticket).includes(lookup)
    return isNew && isNeeded ? rewards.neededLookup : rewards.otherStep
  }

  #resolve(resolution: Resolution): number {
    this.#resolution = resolution
    return this.verdict().success ? rewards.success : 0
  }

  #write(into: Float32Array): void {
    writeObservation(into, {
      hints: this.ticket.isVague
        ? [this.ticket.intent, twinOf[this.ticket.intent]]
        : [this.ticket.intent],
      known: this.#known,
      facts: this.ticket,
      steps: this.#steps,
    })
  }
}

const isLookup = (name: Lookup | Resolution): name is Lookup => lookups.includes(name as Lookup)
