/** What players who learn nothing do on the validation episodes: the scale of every accuracy. */
import type { Scenario } from '../environment.ts'
import { baselines as players, evaluate } from '../learning/evaluate.ts'
import { percent } from './evaluation.ts'

/** Points of curves: `baseline/random` and so on in percent, `baseline_n` their episodes. */
export type Baselines = Readonly<Record<string, number>>

const prefix = 'baseline/'
export const baselineNames = ['random', 'heuristic', 'oracle'] as const

/** Of the players that the scenario has. */
export const measureBaselines = (scenario: Scenario, episodes: number): Baselines => {
  const scripted = scenario.spec.scripted ?? ['heuristic', 'oracle']
  const names = baselineNames.filter((name) => name === 'random' || scripted.includes(name))
  const found = names.map((name) => {
    const { successes } = evaluate(players[name], { scenario, split: 'validation', episodes })
    return [`${prefix}${name}`, percent(successes, episodes)] as const
  })
  return { ...Object.fromEntries(found), baseline_n: episodes }
}

/** Those among the figures of a training; null: none were told yet. */
export const baselinesIn = (figures: Readonly<Record<string, number>>): Baselines | null => {
  if (figures['baseline_n'] === undefined) return null
  const entries = Object.entries(figures)
  return Object.fromEntries(entries.filter(([name]) => name.startsWith('baseline')))
}
