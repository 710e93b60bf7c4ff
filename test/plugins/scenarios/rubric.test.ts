/** Rubrics: what their nodes are worth, that verdicts stay their own, and what lint finds. */
import { describe, expect, test } from 'bun:test'
import { type Scenario, seedOf } from '../../../plugins/scenarios/environment.ts'
import { builtIn } from '../../../plugins/scenarios/environments/built-in.ts'
import { baselines, evaluate } from '../../../plugins/scenarios/learning/evaluate.ts'
import { rubricBreach } from '../../../plugins/scenarios/lint/rubric.ts'
import { diceOf, mixedAction } from '../../../plugins/scenarios/lint/contract.ts'
import {
  gate,
  judge,
  lawful,
  part,
  type Rubric,
  rubricOf,
  scoreOf,
  sequential,
  weightedSum,
} from '../../../plugins/scenarios/rubric.ts'

const verdict = {
  success: false,
  components: { half: 0.5, all: 1, none: 0 },
  violations: [],
}
const scoreBy = (rubric: Rubric) => scoreOf(rubric, verdict).score

test.each([
  ['a part', part('half'), 0.5],
  ['a part that is not there', part('other'), 0],
  ['no rule broken', lawful, 1],
  ['a gate that is reached', gate(0.5, part('half')), 0.5],
  ['a gate that is not', gate(0.6, part('half')), 0],
  ['a sequence: the last counts', sequential(part('all'), part('half')), 0.5],
  ['a sequence that fails fast', sequential(part('none'), part('all')), 0],
  ['a sum by weights', weightedSum([1, part('all')], [3, part('half')]), 0.625],
  ['a weight of nothing', weightedSum([1, part('all')], [0, part('none')]), 1],
])('%s', (_, rubric, score) => {
  expect(scoreBy(rubric)).toBe(score)
})

test('every leaf is told, those too that did not count', () => {
  const rubric = sequential(part('none'), weightedSum([1, part('all')], [0, part('half')]))
  expect(scoreOf(rubric, verdict)).toEqual({
    score: 0,
    components: { none: 0, all: 1, half: 0.5 },
  })
  expect(scoreOf(lawful, { ...verdict, violations: ['refund'] }).score).toBe(0)
})

/** Of 200 episodes each, played by oracle and dice: a change of a verdict changes it. */
const verdictsBefore: Readonly<Record<string, string>> = {
  customer_support: '0e7b7a4aa38d6245',
  code_review: 'fb5cb7881dd7b72a',
  data_analysis: '7cb8ece1c361769b',
  sales_qualification: 'c7cf1fd2b11a3869',
  scheduling: '9bacc6bf8081c04f',
  catch: '7906a9c8507147b6',
  cartpole: '3c2c3f93df6ce0ec',
}

describe.each(builtIn.map((one) => [one.spec.id, one] as const))('%s', (id, scenario) => {
  test('verdicts are what they were, and judged by the tree', () => {
    const environment = scenario.make()
    const observation = new Float32Array(scenario.spec.observations)
    const hasher = new Bun.CryptoHasher('sha256')
    for (let n = 0; n < 200; n++) {
      const random = diceOf(n)
      environment.reset(seedOf('train', n), observation)
      for (let isOver = false; !isOver;) {
        const step = environment.step(mixedAction(environment, random), observation)
        isOver = step.terminated || step.truncated
      }
      const judged = judge(scenario, environment)
      expect(judged.verdict).toEqual(environment.verdict())
      hasher.update(JSON.stringify(judged.verdict))
    }
    expect(hasher.digest('hex').slice(0, 16)).toBe(verdictsBefore[id] ?? '')
  })

  test('the oracle scores high, dice low, and an evaluation tells the means', () => {
    const options = { scenario, split: 'test', episodes: 100 } as const
    const { rubric: best = {} } = evaluate(baselines.oracle, options)
    const { rubric: worst = {} } = evaluate(baselines.random, options)
    const names = Object.keys(scoreOf(rubricOf(scenario), verdict).components)
    expect(Object.keys(best).toSorted()).toEqual(['score', ...names].toSorted())
    expect(best['score']).toBeGreaterThan(0.99)
    expect(worst['score']).toBeLessThan(0.75)
  })
})

const [desk] = builtIn
const withRubric = (rubric: Rubric): Scenario => ({ ...(desk as Scenario), rubric })
const all = weightedSum([1, part('resolution')], [1, part('lookups')], [1, part('efficiency')])
const double: Rubric = {
  kind: 'leaf',
  name: 'double',
  of: ({ components }) => 2 * (components['lookups'] ?? 0),
}

test.each([
  ['sound', all, null],
  ['a name twice', sequential(part('lookups'), all), 'Two parts of the rubric are called lookups'],
  ['a part left out', part('resolution'), 'lookups of the verdict is not in the rubric'],
  ['a gate nobody passes', gate(2, all), 'A gate of the rubric is at 2'],
  ['a sum of nothing', weightedSum([0, all]), 'A sum of the rubric counts nothing'],
  ['a weight below nothing', weightedSum([1, all], [-1, lawful]), 'A weight of the rubric is -1'],
  ['an empty sequence', sequential(), 'A sequence of the rubric is empty'],
  ['more than all', sequential(double, all), 'Seed 1: double is 2'],
])('lint of rubrics: %s', (_, rubric, found) => {
  expect(rubricBreach(withRubric(rubric), 20)).toBe(found)
})
