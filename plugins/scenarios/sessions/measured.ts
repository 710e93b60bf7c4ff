/** What trainings of ours came to: the only figures that advice is ever taken from. */
import type { AlgorithmName } from '../training/settings.ts'

export interface Measured {
  readonly scenario: string
  readonly version: number
  readonly algorithm: AlgorithmName
  readonly episodes: number
  /** Percent of 2000 validation episodes, of the seeds 1, 2 and 3. */
  readonly accuracies: readonly [number, number, number]
}

const of =
  (scenario: string, version: number, algorithm: AlgorithmName) =>
  (episodes: number, ...accuracies: [number, number, number]): Measured => ({
    scenario,
    version,
    algorithm,
    episodes,
    accuracies,
  })

const support = of('customer_support', 1, 'bc+ppo')
const review = of('code_review', 1, 'bc+ppo')
const analysis = of('data_analysis', 1, 'bc+ppo')
const sales = of('sales_qualification', 1, 'bc+ppo')
const meetings = of('scheduling', 2, 'bc+ppo')
const falling = of('catch', 1, 'bc+ppo')
const pole = of('cartpole', 1, 'bc+ppo')

/** With the usual learning rate. */
export const measured: readonly Measured[] = [
  support(200, 98.3, 97.7, 95.5),
  support(5000, 99.7, 99.8, 99.6),
  review(200, 79, 83.5, 78),
  review(5000, 99.5, 99.9, 98.5),
  analysis(200, 98.2, 96.2, 97.3),
  analysis(5000, 99.1, 98, 98.6),
  sales(200, 100, 100, 99.5),
  sales(5000, 100, 100, 100),
  meetings(200, 75, 71.2, 78.5),
  meetings(5000, 95.3, 95.4, 96.2),
  meetings(20_000, 98.5, 99.2, 98.9),
  falling(200, 100, 100, 100),
  falling(5000, 100, 100, 100),
  pole(200, 100, 100, 100),
  pole(5000, 100, 97.5, 100),
]
