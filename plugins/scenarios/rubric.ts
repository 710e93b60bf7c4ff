/**
 * How a verdict becomes a score: a tree over its parts (as OpenEnv's RFC 004 has it). The score
 * only teaches and tells; whether an episode succeeded is the verdict's own word.
 */
import type { Environment, Scenario, ScenarioSpec, Verdict } from './environment.ts'

/** Values are from 0 to 1. */
export type Rubric =
  | { readonly kind: 'leaf'; readonly name: string; readonly of: (verdict: Verdict) => number }
  | { readonly kind: 'gate'; readonly threshold: number; readonly of: Rubric }
  | { readonly kind: 'sequential'; readonly of: readonly Rubric[] }
  | { readonly kind: 'sum'; readonly of: readonly Weighted[] }

/** A weight of 0: looked at, and not counted. */
export type Weighted = readonly [weight: number, rubric: Rubric]

/** A component of the verdict. */
export const part = (name: string): Rubric => ({
  kind: 'leaf',
  name,
  of: ({ components }) => components[name] ?? 0,
})

/** 1 where no rule was broken. */
export const lawful: Rubric = {
  kind: 'leaf',
  name: 'lawful',
  of: ({ violations }) => (violations.length === 0 ? 1 : 0),
}

/** What is below the threshold counts nothing. */
export const gate = (threshold: number, of: Rubric): Rubric => ({ kind: 'gate', threshold, of })

/** The last one's value, unless one before it is 0: then nothing after it counts. */
export const sequential = (...of: readonly Rubric[]): Rubric => ({ kind: 'sequential', of })

export const weightedSum = (...of: readonly Weighted[]): Rubric => ({ kind: 'sum', of })

/** Unless a scenario has one of its own: its metrics count alike, if no rule was broken. */
export const rubricOf = ({ spec, rubric }: Pick<Scenario, 'spec' | 'rubric'>): Rubric =>
  rubric ?? usual(spec)

const usual = ({ metrics }: ScenarioSpec): Rubric =>
  sequential(lawful, weightedSum(...metrics.map((name): Weighted => [1, part(name)])))

export interface Score {
  readonly score: number
  /** Every leaf by its name, those too that did not count. */
  readonly components: Readonly<Record<string, number>>
}

export const scoreOf = (rubric: Rubric, verdict: Verdict): Score => ({
  score: valueOf(rubric, verdict),
  components: Object.fromEntries(leavesOf(rubric).map(({ name, of }) => [name, of(verdict)])),
})

const valueOf = (rubric: Rubric, verdict: Verdict): number => {
  switch (rubric.kind) {
    case 'leaf':
      return rubric.of(verdict)
    case 'gate': {
      const value = valueOf(rubric.of, verdict)
      return value >= rubric.threshold ? value : 0
    }
    case 'sequential': {
      let value = 0
      for (const one of rubric.of) {
        value = valueOf(one, verdict)
        if (value === 0) return 0
      }
      return value
    }
    case 'sum': {
      const whole = rubric.of.reduce((sum, [weight]) => sum + weight, 0)
      const counted = rubric.of.filter(([weight]) => weight > 0)
      return counted.reduce((sum, [weight, one]) => sum + weight * valueOf(one, verdict), 0) / whole
    }
  }
}

type Leaf = Extract<Rubric, { kind: 'leaf' }>

export const leavesOf = (rubric: Rubric): readonly Leaf[] => {
  switch (rubric.kind) {
    case 'leaf':
      return [rubric]
    case 'gate':
      return leavesOf(rubric.of)
    case 'sequential':
      return rubric.of.flatMap(leavesOf)
    case 'sum':
      return rubric.of.flatMap(([, one]) => leavesOf(one))
  }
}

export interface Judgement {
  readonly verdict: Verdict
  readonly rubric: Score
}

/** The verdict of an episode, and its score. */
export const judge = (scenario: Scenario, environment: Environment): Judgement => {
  const verdict = environment.verdict()
  return { verdict, rubric: scoreOf(rubricOf(scenario), verdict) }
}

/** Means of what is there under each name. */
export const meansOf = (all: readonly Readonly<Record<string, number>>[]) => {
  const sums = new Map<string, { sum: number; count: number }>()
  for (const one of all) {
    for (const [name, value] of Object.entries(one)) {
      const { sum, count } = sums.get(name) ?? { sum: 0, count: 0 }
      sums.set(name, { sum: sum + value, count: count + 1 })
    }
  }
  return Object.fromEntries([...sums].map(([name, { sum, count }]) => [name, sum / count]))
}
