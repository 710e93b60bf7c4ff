/** A sound scenario that is as small as can be: what lint's tests break. */
import type {
  Conversation,
  Scenario,
  ScenarioSpec,
} from '../../../../plugins/scenarios/environment.ts'
import { toolsAbout, Turns } from '../../../../plugins/scenarios/environments/turns.ts'
import type { LintOptions } from '../../../../plugins/scenarios/lint/lint.ts'
import type { Random } from '../../../../plugins/scenarios/random.ts'

export interface Box {
  readonly prize: number
  readonly hasPeeked: boolean
  readonly opened: number
}

export const boxes = 3
const actions = ['peek', 'open_1', 'open_2', 'open_3']

/** A prize is in one of three boxes; who peeks knows in which. */
export class Boxes extends Turns<Box> {
  readonly actions: number = actions.length

  constructor() {
    super(4)
  }

  get task(): number {
    return this.state.prize === 0 ? 0 : 1
  }

  protected draw(random: Random): Box {
    return { prize: random.below(boxes), hasPeeked: false, opened: -1 }
  }

  protected act(action: number): number {
    if (action > 0) {
      this.state = { ...this.state, opened: action - 1 }
      return this.verdict().success ? 1 : 0
    }
    const isNew = !this.state.hasPeeked
    this.state = { ...this.state, hasPeeked: true }
    return isNew ? 0.1 : -0.02
  }

  protected hasEnded(): boolean {
    return this.state.opened >= 0
  }

  protected write(into: Float32Array): void {
    into[0] = this.state.hasPeeked ? this.state.prize + 1 : 0
    into[1] = this.steps / 4
  }

  oracle(): number {
    return this.state.hasPeeked ? this.state.prize + 1 : 0
  }

  heuristic(): number {
    return 1
  }

  verdict() {
    const { prize, hasPeeked, opened } = this.state
    const success = hasPeeked && opened === prize
    return { success, components: { right: success ? 1 : 0 }, violations: [] as string[] }
  }
}

export const conversation: Conversation = {
  system: 'Find the prize.',
  tools: toolsAbout(
    'game',
    'The game',
    actions.map((name) => [name, name]),
  ),
  opening: () => 'Game G: three boxes.',
  actionOf: (_, { name }) => actions.indexOf(name),
  reply(environment) {
    const { last, state } = environment as Boxes
    return last === 0 ? `It is in box ${state.prize + 1}.` : 'You opened a box.'
  },
  observe({ opening, calls }) {
    if (!opening.startsWith('Game')) return null
    const box = calls.map(({ reply }) => /in box (\d)/.exec(reply)?.[1]).find((one) => one)
    return Float32Array.of(Number(box ?? 0), calls.length / 4)
  },
  argumentsOf: () => ({ game: 'G' }),
}

export const spec: ScenarioSpec = {
  id: 'boxes',
  version: 1,
  name: 'Boxes',
  description: 'A prize is in one of three boxes.',
  difficulty: 'beginner',
  tasks: ['first', 'other'],
  observations: 2,
  actions,
  maxSteps: 4,
  metrics: ['right'],
  features: [],
}

export const sound: Scenario = { spec, conversation, make: () => new Boxes() }
export const made = (environment: new () => Boxes): Scenario => ({
  ...sound,
  make: () => new environment(),
})

interface Saved {
  readonly state: Box
}

export const options: LintOptions = {
  episodes: 200,
  randomLimit: 0.3,
  swap(saved, random) {
    const { state } = saved as Saved
    const prize = state.hasPeeked ? state.prize : random.below(boxes)
    return { ...(saved as Saved), state: { ...state, prize } }
  },
}

/** Whatever was told, the prize may be anywhere: for a scenario that does not tell it. */
export const swapAlways = (saved: unknown, random: Random): unknown => {
  const { state } = saved as Saved
  return { ...(saved as Saved), state: { ...state, prize: random.below(boxes) } }
}
