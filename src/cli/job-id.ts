/** Turns what people type for a job into its id: a part of it, or `last`. */
import type { JobView } from '../jobs/view.ts'
import type { Api } from './api.ts'
import { UsageError } from './arguments.ts'
import { type Context, Refusal } from './client-verb.ts'
import { lastJob } from './last-job.ts'

/** @throws Refusal, UsageError */
export const findJobId = async (given: string, { api, env }: Context): Promise<string> => {
  if (given === 'last' || given === '-') {
    const last = lastJob(api.url, env)
    if (last !== undefined) return last
    throw new Refusal('no job was submitted from this folder yet')
  }
  if (/^j[a-z2-7]{20}$/.test(given)) return given
  if (!/^[a-z2-7]{2,20}$/.test(given)) {
    throw new UsageError(`${JSON.stringify(given)} is no id of a job, nor the beginning of one`)
  }
  const [found, ...others] = await beginningWith(api, given)
  if (!found) throw new Refusal(`no job of yours has an id that begins with ${given}`)
  if (others.length === 0) return found.id
  const several = [found, ...others].slice(0, 5).map(({ id, name }) => `  ${id}  ${name}`)
  throw new Refusal(`several jobs begin with ${given}:\n${several.join('\n')}`)
}

const beginningWith = async (api: Api, prefix: string): Promise<JobView[]> =>
  (await api.json<{ jobs: JobView[] }>('GET', `/api/jobs?limit=6&id=${prefix}`)).jobs

/** The one job that a verb is about. @throws UsageError */
export const oneJob = (positionals: readonly string[], context: Context): Promise<string> => {
  const [given, extra] = positionals
  if (given === undefined) throw new UsageError('which job? Give its id, or `last`')
  if (extra !== undefined) throw new UsageError(`one job at a time, not also ${extra}`)
  return findJobId(given, context)
}
