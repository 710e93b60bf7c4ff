/** The scenarios that come with the plugin. */
import type { Scenario } from '../environment.ts'
import { cartpole } from './cartpole.ts'
import { catchBall } from './catch.ts'
import { customerSupport } from './customer-support/customer-support.ts'

export const builtIn: readonly Scenario[] = [customerSupport, catchBall, cartpole]
