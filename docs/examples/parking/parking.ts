/** A scenario in one file: find the free space of a car park by asking, and drive there. */
import {
  type Conversation,
  type Heard,
  type LintOptions,
  Random,
  type Scenario,
  toolsAbout,
  Turns,
  type Verdict,
} from 'hearth/scenarios'

const levels = 5
const ask = (level: number) => `ask_level_${level + 1}`
const park = (level: number) => `park_on_level_${level + 1}`
const numbers = Array.from({ length: levels }, (_, level) => level)
const actions = [...numbers.map(ask), ...numbers.map(park)]
const maxSteps = 2 * levels

interface Car {
  /** The level with the free space: hidden, until it was asked about. */
  readonly free: number
  /** A permit opens the two upper levels; without one they are full in any case. */
  readonly hasPermit: boolean
  readonly asked: readonly number[]
  /** Where the car stands in the end. */
  readonly parked: number | null
}

class CarPark extends Turns<Car> {
  readonly actions = actions.length

  constructor() {
    super(maxSteps)
  }

  get task(): number {
    return this.state.hasPermit ? 1 : 0
  }

  protected draw(random: Random): Car {
    const hasPermit = random.below(2) === 1
    const free = random.below(hasPermit ? levels : levels - 2)
    return { free, hasPermit, asked: [], parked: null }
  }

  protected act(action: number): number {
    const level = action % levels
    if (action < levels) {
      const isNew = !this.state.asked.includes(level)
      this.state = { ...this.state, asked: [...new Set([...this.state.asked, level])] }
      return isNew ? -0.01 : -0.1
    }
    this.state = { ...this.state, parked: level }
    return this.verdict().success ? 1 : -0.5
  }

  protected hasEnded(): boolean {
    return this.state.parked !== null
  }

  /** The permit, then of each level whether it was asked about and whether it is free. */
  protected write(into: Float32Array): void {
    observed(this.state, into)
  }

  /** Asks from below until it knows: what others can learn from it, they can do. */
  oracle(): number {
    const { free, asked } = this.state
    return asked.includes(free) ? levels + free : asked.length
  }

  /** Asks from below, and gives up after three. */
  heuristic(): number {
    const { free, asked } = this.state
    if (asked.includes(free)) return levels + free
    return asked.length < 3 ? asked.length : levels + 2
  }

  /** Right is the free level, and only for who has asked about it: luck is not enough. */
  verdict(): Verdict {
    const { free, asked, parked } = this.state
    const found = parked === free
    const knew = asked.includes(free)
    return {
      success: found && knew,
      components: { found: found ? 1 : 0, knew: knew ? 1 : 0 },
      violations: found && !knew ? ['parked without asking'] : [],
    }
  }
}

const observed = ({ hasPermit, asked, free }: Car, into: Float32Array): void => {
  into.fill(0)
  into[0] = hasPermit ? 1 : 0
  for (const level of asked) {
    into[1 + 2 * level] = 1
    into[2 + 2 * level] = level === free ? 1 : 0
  }
}

const yes = 'There is a free space.'
const no = 'All spaces are taken.'
const withPermit = 'I have a permit for the upper levels. Where can I park?'
const withoutPermit = 'I have no permit. Where can I park?'

const conversation: Conversation = {
  system: 'Find the free space by asking about levels, then park there. Never park on a guess.',
  tools: toolsAbout('car', 'The number plate.', [
    ...numbers.map((level) => [ask(level), `Ask whether level ${level + 1} has space.`] as const),
    ...numbers.map((level) => [park(level), `Park on level ${level + 1}: the end.`] as const),
  ]),
  opening: (environment) => ((environment as CarPark).task === 1 ? withPermit : withoutPermit),
  actionOf(_, { name }) {
    const action = actions.indexOf(name)
    return action < 0 ? `There is no tool ${name}.` : action
  },
  reply(environment) {
    const { state, last } = environment as CarPark
    if (last >= levels) return 'You have parked.'
    return last === state.free ? yes : no
  },
  observe: ({ opening, calls }: Heard) => {
    if (opening !== withPermit && opening !== withoutPermit) return null
    const told = calls.map(({ name, reply }) => ({ level: actions.indexOf(name), reply }))
    if (told.some(({ level }) => level < 0)) return null
    const asked = told.filter(({ level }) => level < levels)
    const free = asked.find(({ reply }) => reply === yes)?.level ?? -1
    const into = new Float32Array(1 + 2 * levels)
    const levelsAsked = asked.map(({ level }) => level)
    observed({ hasPermit: opening === withPermit, asked: levelsAsked, free, parked: null }, into)
    return into
  },
  argumentsOf: () => ({ car: 'HH-EA 27' }),
}

export const scenario: Scenario = {
  spec: {
    id: 'parking',
    version: 1,
    name: 'Car park',
    description: 'Finds the one free space of a car park by asking, and parks there.',
    difficulty: 'beginner',
    tasks: ['visitor', 'permit holder'],
    observations: 1 + 2 * levels,
    actions,
    maxSteps,
    metrics: ['found', 'knew'],
    features: ['information gathering'],
  },
  conversation,
  make: () => new CarPark(),
}

/** Another world that looks the same so far: nothing that is told may differ in it. */
const swap = (saved: unknown, random: Random): unknown => {
  const { state, ...rest } = saved as { readonly state: Car }
  if (state.asked.includes(state.free)) return saved
  const open = numbers.filter((level) => !state.asked.includes(level))
  const possible = open.filter((level) => state.hasPermit || level < levels - 2)
  return { ...rest, state: { ...state, free: random.pick(possible) } }
}

/** What `hearth scenario lint` is told besides. */
export const lint: LintOptions = { swap }
