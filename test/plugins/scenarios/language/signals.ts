/** A scenario for the tests of language models: two signals, one after the other, to be obeyed. */
import type {
  Conversation,
  Environment,
  Scenario,
} from '../../../../plugins/scenarios/environment.ts'
import { Turns } from '../../../../plugins/scenarios/environments/turns.ts'
import type { Random } from '../../../../plugins/scenarios/random.ts'

export const colours = ['red', 'green', 'blue', 'white'] as const
/** What each colour demands; nothing that is said tells. */
export const moves = ['halt', 'go', 'turn', 'wait'] as const

interface State {
  readonly signals: readonly [number, number]
  readonly done: readonly number[]
}

class Signals extends Turns<State> {
  readonly actions = moves.length

  protected draw(random: Random): State {
    return { signals: [random.below(4), random.below(4)], done: [] }
  }

  get task(): number {
    return this.state.signals[0]
  }

  get signal(): number {
    return this.state.signals[this.state.done.length] ?? -1
  }

  protected act(action: number): number {
    const isRight = action === this.signal
    this.state = { ...this.state, done: [...this.state.done, action] }
    return isRight ? 0.5 : 0
  }

  protected hasEnded(): boolean {
    return this.state.done.length === 2
  }

  protected write(into: Float32Array): void {
    into.fill(0)
    if (this.signal >= 0) into[this.signal] = 1
  }

  oracle(): number {
    return this.signal
  }

  heuristic(random: Random): number {
    return random.next() < 0.7 ? this.signal : 0
  }

  verdict() {
    const { signals, done } = this.state
    const right = signals.filter((signal, i) => signal === done[i]).length
    return { success: right === 2, components: { obeyed: right / 2 }, violations: [] }
  }
}

const said = (environment: Environment): string => {
  const { signal } = environment as Signals
  return signal < 0 ? 'Done.' : `Signal ${colours[signal]}`
}

const conversation: Conversation = {
  system: 'Obey every signal.',
  tools: moves.map((name) => ({
    name,
    description: `Move: ${name}.`,
    parameters: { type: 'object', properties: {}, additionalProperties: false },
  })),
  opening: said,
  actionOf(_, { name }) {
    const action = moves.findIndex((move) => move === name)
    return action < 0 ? `There is no tool ${name}` : action
  },
  reply: said,
  observe({ opening, calls }) {
    const last = calls.at(-1)?.reply ?? opening
    const signal = colours.findIndex((colour) => last === `Signal ${colour}`)
    return Float32Array.from(colours, (_, i) => (i === signal ? 1 : 0))
  },
  argumentsOf: () => ({}),
}

export const signals: Scenario = {
  spec: {
    id: 'signals',
    version: 1,
    name: 'Signals',
    description: 'Two signals, each to be obeyed in its own way.',
    difficulty: 'beginner',
    tasks: colours,
    observations: colours.length,
    actions: moves,
    maxSteps: 2,
    metrics: ['obeyed'],
    features: ['test'],
  },
  conversation,
  make: () => new Signals(2),
}
