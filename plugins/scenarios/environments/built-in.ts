/** The scenarios that come with the plugin. */
import type { Scenario } from '../environment.ts'
import { cartpole } from './cartpole.ts'
import { catchBall } from './catch.ts'
import { codeReview } from './code-review/code-review.ts'
import { customerSupport } from './customer-support/customer-support.ts'
import { salesQualification } from './sales-qualification/sales-qualification.ts'
import { scheduling } from './scheduling/scheduling.ts'

export const builtIn: readonly Scenario[] = [
  customerSupport,
  codeReview,
  salesQualification,
  scheduling,
  catchBall,
  cartpole,
]
