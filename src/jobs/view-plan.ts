/** A plan as people may see it: names of variables without their values, files counted. */
import type { Plan } from './plan.ts'

export type PlanView = Omit<Plan, 'env' | 'files'> & {
  /** Names only. */
  readonly env: readonly string[]
  readonly files: { readonly count: number; readonly size_bytes: number }
}

export const clientPlan = ({ env = {}, files = [], ...plan }: Plan): PlanView => ({
  ...plan,
  env: Object.keys(env),
  files: {
    count: files.length,
    size_bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  },
})
