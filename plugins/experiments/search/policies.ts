/** The policies by the names that settings give them. */
import type { ExperimentSettings } from '../settings.ts'
import { evolution } from './evolution.ts'
import { greedy } from './greedy.ts'
import type { Policy } from './policy.ts'
import { switching } from './switching.ts'
import { uct } from './uct.ts'

const named: Readonly<Record<ExperimentSettings['policy'], Policy>> = { greedy, uct, evolution }

export const policyOf = ({ policy, search }: ExperimentSettings): Policy =>
  switching(named[policy], search)
