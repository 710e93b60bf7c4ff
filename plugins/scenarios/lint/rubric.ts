/** What a rubric must be: names of its own, values from 0 to 1, every part of the verdict in it. */
import { type Scenario, seedOf } from '../environment.ts'
import { diceOf, mixedAction } from './contract.ts'
import { leavesOf, type Rubric, rubricOf, scoreOf } from '../rubric.ts'

/** In words; null: nothing is wrong. */
export const rubricBreach = (scenario: Scenario, episodes: number): string | null => {
  const rubric = rubricOf(scenario)
  const names = leavesOf(rubric).map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) return `Two parts of the rubric are called ${twice}`
  const shape = shapeBreach(rubric)
  if (shape !== null) return shape
  const environment = scenario.make()
  const ignored = new Float32Array(scenario.spec.observations)
  for (let n = 0; n < episodes; n++) {
    const random = diceOf(n)
    environment.reset(seedOf('train', n), ignored)
    for (let isOver = false; !isOver;) {
      const step = environment.step(mixedAction(environment, random), ignored)
      isOver = step.terminated || step.truncated
    }
    const verdict = environment.verdict()
    const missing = Object.keys(verdict.components).find((name) => !names.includes(name))
    // The usual one follows the metrics: another rule looks whether they are all.
    if (scenario.rubric && missing !== undefined)
      return `${missing} of the verdict is not in the rubric`
    const { score, components } = scoreOf(rubric, verdict)
    for (const [name, value] of Object.entries({ score, ...components })) {
      if (!(value >= 0 && value <= 1)) return `Seed ${n}: ${name} is ${value}`
    }
  }
  environment.close?.()
  return null
}

const shapeBreach = (rubric: Rubric): string | null => {
  switch (rubric.kind) {
    case 'leaf':
      return null
    case 'gate':
      return rubric.threshold >= 0 && rubric.threshold <= 1
        ? shapeBreach(rubric.of)
        : `A gate of the rubric is at ${rubric.threshold}`
    case 'sequential':
      if (rubric.of.length === 0) return 'A sequence of the rubric is empty'
      return firstBreach(rubric.of)
    case 'sum': {
      const weights = rubric.of.map(([weight]) => weight)
      if (weights.some((weight) => !(weight >= 0 && Number.isFinite(weight)))) {
        return `A weight of the rubric is ${weights.find((weight) => !(weight >= 0))}`
      }
      if (weights.every((weight) => weight === 0)) return 'A sum of the rubric counts nothing'
      return firstBreach(rubric.of.map(([, one]) => one))
    }
  }
}

const firstBreach = (rubrics: readonly Rubric[]): string | null =>
  rubrics.map(shapeBreach).find((breach) => breach !== null) ?? null
