/** The scenarios that come with the plugin. */
import type { Scenario } from '../environment.ts'
import { cartpole } from './cartpole.ts'
import { catchBall } from './catch.ts'
import { codeReview } from './code-review/code-review.ts'
import { customerSupport } from './customer-support/customer-support.ts'
import { dataAnalysis } from './data-analysis/data-analysis.ts'
import { salesQualification } from './sales-qualification/sales-qualification.ts'
import { scheduling } from './scheduling/scheduling.ts'

export const builtIn: readonly Scenario[] = [
  customerSupport,
  codeReview,
  dataAnalysis,
  salesQualification,
  scheduling,
  catchBall,
  cartpole,
]
