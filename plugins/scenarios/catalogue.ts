/** The scenarios that are here, by id. */
import { builtIn } from './environments/built-in.ts'
import type { Scenario } from './environment.ts'

export const scenarios: readonly Scenario[] = builtIn

export const scenarioOf = (id: string): Scenario | undefined =>
  scenarios.find(({ spec }) => spec.id === id)
