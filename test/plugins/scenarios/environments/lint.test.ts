/** Lint finds what it is there to find: a sound scenario, broken in each way there is. */
import { expect, test } from 'bun:test'
import type { Scenario } from '../../../../plugins/scenarios/environment.ts'
import { type Finding, lint, type LintOptions } from '../../../../plugins/scenarios/lint/lint.ts'
import type { Random } from '../../../../plugins/scenarios/random.ts'
import { boxes, Boxes, conversation, made, options, sound, spec, swapAlways } from './boxes.ts'

test('a sound scenario', () => {
  expect(lint(sound, options)).toEqual([])
})

let resets = 0

type Broken = readonly [rules: readonly Finding['rule'][], Scenario, LintOptions?]

const broken: Readonly<Record<string, Broken>> = {
  'two actions of one name': [
    ['spec'],
    { ...sound, conversation: null, spec: { ...spec, actions: ['peek', 'open', 'open', 'look'] } },
  ],
  'tools that are not its actions': [
    ['spec'],
    { ...sound, conversation: { ...conversation, tools: [] } },
  ],
  'a task that never comes': [
    ['oracle'],
    { ...sound, spec: { ...spec, tasks: ['first', 'other', 'never'] } },
  ],
  'dice that succeed': [['random'], sound, { randomLimit: 0.01 }],
  'an oracle that guesses': [
    ['oracle', 'reward', 'unsolvable'],
    made(
      class extends Boxes {
        override oracle() {
          return this.state.hasPeeked ? 1 : 0
        }
      },
    ),
  ],
  'an episode that hangs on those before it': [
    ['determinism', 'conversation'],
    made(
      class extends Boxes {
        protected override draw(random: Random) {
          return { ...super.draw(random), prize: resets++ % boxes }
        }
      },
    ),
  ],
  'one episode for all seeds': [
    ['oracle', 'reward', 'seeds'],
    made(
      class extends Boxes {
        protected override draw() {
          return { prize: 1, hasPeeked: false, opened: -1 }
        }
      },
    ),
  ],
  'a state that is not saved whole': [
    ['saving', 'hidden'],
    made(
      class extends Boxes {
        override load(saved: unknown) {
          super.load(saved)
          this.steps = 0
        }
      },
    ),
  ],
  'words that tell less than the numbers': [
    ['conversation'],
    { ...sound, conversation: { ...conversation, observe: () => new Float32Array(2) } },
  ],
  'calls that mean something else': [
    ['conversation'],
    { ...sound, conversation: { ...conversation, actionOf: () => 'What?' } },
  ],
  'words that tell what is hidden': [
    ['hidden'],
    {
      ...sound,
      conversation: {
        ...conversation,
        opening: (environment) => `Game ${(environment as Boxes).state.prize}`,
      },
    },
  ],
  'numbers that tell what is hidden': [
    ['hidden', 'unsolvable'],
    {
      ...sound,
      conversation: null,
      make: () =>
        new (class extends Boxes {
          protected override write(into: Float32Array) {
            super.write(into)
            into[0] = this.state.prize + 1
          }
        })(),
    },
    { swap: swapAlways },
  ],
  'a prize that nobody is told of': [
    ['unsolvable'],
    {
      ...sound,
      conversation: null,
      make: () =>
        new (class extends Boxes {
          protected override write(into: Float32Array) {
            super.write(into)
            into[0] = this.state.hasPeeked ? 1 : 0
          }
        })(),
    },
    { swap: swapAlways },
  ],
  'a reward for one thing again and again': [
    ['reward'],
    made(
      class extends Boxes {
        protected override act(action: number) {
          return action === 0 ? Math.abs(super.act(action)) + 0.5 : super.act(action)
        }
      },
    ),
  ],
  'a reward for leaving early': [
    ['reward'],
    made(
      class extends Boxes {
        protected override act(action: number) {
          return action === 3 ? super.act(action) * 0 + 2 - this.steps / 2 : super.act(action)
        }
      },
    ),
  ],
  'a number that is none': [
    ['observation'],
    {
      ...sound,
      conversation: null,
      make: () =>
        new (class extends Boxes {
          protected override write(into: Float32Array) {
            super.write(into)
            into[1] = 0 / 0
          }
        })(),
    },
  ],
  'a number beyond all measure': [
    ['observation'],
    {
      ...sound,
      conversation: null,
      make: () =>
        new (class extends Boxes {
          protected override write(into: Float32Array) {
            super.write(into)
            into[1] = -2_000
          }
        })(),
    },
  ],
  'more numbers than it says': [
    ['observation'],
    { ...sound, conversation: null, spec: { ...spec, observations: 1 } },
  ],
  'fewer numbers than it says': [
    ['observation'],
    { ...sound, conversation: null, spec: { ...spec, observations: 3 } },
  ],
  'other metrics than it says': [['contract'], { ...sound, spec: { ...spec, metrics: ['wrong'] } }],
  'more steps than it says': [['contract'], { ...sound, spec: { ...spec, maxSteps: 1 } }],
  'a step after the end': [
    ['contract'],
    made(
      class extends Boxes {
        override step(action: number, into: Float32Array) {
          if (this.state.opened >= 0 || this.steps >= 4) {
            return { reward: 0, terminated: true, truncated: false }
          }
          return super.step(action, into)
        }
      },
    ),
  ],
}

test.each(Object.keys(broken))('%s', (what) => {
  const [rules, scenario, more] = broken[what] as Broken
  const found = lint(scenario, { ...options, ...more })
  expect(found.map(({ rule }) => rule)).toEqual([...rules])
})

test('every rule has something broken that it finds', () => {
  const rules = new Set(Object.values(broken).flatMap(([found]) => found))
  expect(rules.size).toBe(12)
})
