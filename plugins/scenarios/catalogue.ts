/** The scenarios that are here, by id. */
import { cartpole } from './environments/cartpole.ts'
import { customerSupport } from './environments/customer-support/customer-support.ts'
import type { Scenario } from './environment.ts'

export const scenarios: readonly Scenario[] = [customerSupport, cartpole]

export const scenarioOf = (id: string): Scenario | undefined =>
  scenarios.find(({ spec }) => spec.id === id)
