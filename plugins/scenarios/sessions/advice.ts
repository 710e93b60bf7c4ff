/** What a training is told about its own choices: why this algorithm, and what more would give. */
import { measured } from './measured.ts'
import type { AlgorithmName } from '../training/settings.ts'

export interface Choices {
  readonly scenario: string
  readonly version: number
  readonly algorithm: AlgorithmName
  readonly episodes: number
  /** Nobody named the algorithm. */
  readonly isUsual: boolean
}

export const adviceOf = (choices: Choices): string =>
  [...picked(choices), ...more(choices)].join(' ')

const picked = ({ algorithm, isUsual }: Choices): string[] => {
  if (!isUsual) return []
  const why =
    algorithm === 'ppo'
      ? 'the scenario has no oracle to learn from'
      : 'with few episodes nothing does better than to learn from the scenario’s oracle first'
  return [`No algorithm was named; ${algorithm} was picked: ${why}.`]
}

/** Of figures that were measured, and of those alone. */
const more = ({ scenario, version, algorithm, episodes }: Choices): string[] => {
  const known = measured.filter(
    (one) => one.scenario === scenario && one.version === version && one.algorithm === algorithm,
  )
  const beyond = known.filter((one) => one.episodes > episodes)
  if (known.length === 0) {
    return [`What more episodes of ${scenario} give with ${algorithm} was not measured.`]
  }
  if (beyond.length === 0) {
    return ['More episodes than these were not measured; the history shows whether it still rises.']
  }
  const words = beyond.map(({ episodes: count, accuracies }) => {
    const [least, most] = [Math.min(...accuracies), Math.max(...accuracies)]
    const found = least === most ? `${least} %` : `${least} to ${most} %`
    return `${count.toLocaleString('en')} episodes gave ${found}`
  })
  return [`This training has ${episodes}; three others with ${words.join(', with ')}.`]
}
