/** The scenarios that come with the plugin are sound: lint finds nothing in them. */
import { describe, expect, test } from 'bun:test'
import { builtIn } from '../../../../plugins/scenarios/environments/built-in.ts'
import { baselines, evaluate } from '../../../../plugins/scenarios/learning/evaluate.ts'
import { type Finding, lint } from '../../../../plugins/scenarios/lint/lint.ts'
import { redrawn } from './redrawn.ts'

/** Those whose right figures are public: what dice reach there is no matter of ours. */
const isCalibration = (features: readonly string[]) => features.includes('calibration')

describe.each(builtIn.map((scenario) => [scenario.spec.id, scenario] as const))(
  '%s',
  (id, scenario) => {
    const { spec, conversation } = scenario
    const swap = redrawn[id]

    test('lint finds nothing', () => {
      const randomLimit = id === 'catch' ? 0.25 : 0.05
      const found: readonly Finding[] = lint(scenario, { randomLimit, ...(swap && { swap }) })
      expect(found).toEqual([])
    })

    test('it is small, and what is hidden can be swapped where there is talk', () => {
      expect(spec.observations).toBeLessThanOrEqual(70)
      expect(spec.actions.length).toBeLessThanOrEqual(30)
      expect(conversation?.observe({ opening: 'Hello?', calls: [] }) ?? null).toBeNull()
      expect(swap === undefined).toBe(conversation === null)
    })

    if (id !== 'cartpole') {
      test('the scripted rule is mediocre', () => {
        const options = { scenario, split: 'test', episodes: 2000 } as const
        const { successes } = evaluate(baselines.heuristic, options)
        expect(successes).toBeGreaterThan(800)
        expect(successes).toBeLessThan(1600)
      })
    }

    if (!isCalibration(spec.features)) {
      test('every task is hard for dice', () => {
        const { tasks } = evaluate(baselines.random, { scenario, split: 'test', episodes: 2000 })
        expect(Object.keys(tasks)).toEqual([...spec.tasks])
        for (const { episodes, successes } of Object.values(tasks)) {
          expect(successes / episodes).toBeLessThan(0.05)
        }
      })
    }
  },
)
