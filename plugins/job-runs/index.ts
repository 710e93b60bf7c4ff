/** The plugin that gives jobs their tracking runs: what a job measures is a run like any other. */
import { definePlugin, jobs } from '../../src/sdk.ts'
import { tracking } from '../tracking/service.ts'
import { JobRuns } from './job-runs.ts'
import { jobRunsMigrations } from './schema.ts'

export default definePlugin({
  id: 'job-runs',
  version: '1.0.0',
  sdk: '>=0.1.0',
  uses: { jobs, tracking },
  migrations: jobRunsMigrations,
  setup({ uses, db, auth, clock, log }) {
    const runs = new JobRuns({ ...uses, db, auth, clock, log })
    uses.jobs.addSink(runs)
    return {
      start: () => runs.start(),
      stop: () => runs.stop(),
    }
  },
})
