/** What trainings of ours came to: the only figures that advice is ever taken from. */
import type { AlgorithmName } from './training/settings.ts'

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
  support(200, 98.1, 97.6, 98.8),
  support(5000, 99.6, 99.8, 99.5),
  review(200, 79.4, 83.1, 78.2),
  review(5000, 99.9, 99.6, 99.1),
  analysis(200, 96.7, 93.2, 93.4),
  analysis(5000, 99.2, 98.3, 98),
  sales(200, 100, 100, 99),
  sales(5000, 100, 100, 100),
  meetings(200, 69.7, 71.3, 77.7),
  meetings(5000, 95.4, 95.2, 94.5),
  meetings(20_000, 99.7, 99.7, 99),
  falling(200, 100, 100, 100),
  falling(5000, 100, 100, 100),
]
