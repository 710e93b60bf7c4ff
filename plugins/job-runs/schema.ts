/** Which run a job has, and which project takes the runs of jobs that name none. */
import type { Migration } from '../../src/sdk.ts'

export const jobRunsMigrations: readonly Migration[] = [
  {
    name: '0001_runs',
    up: ({ big, bool }) => `
create table job_runs_project (
  owner_id ${big} not null primary key,
  project_id ${big} not null
);
create table job_runs_run (
  job_id text not null primary key,
  owner_id ${big} not null,
  run_id ${big} not null,
  is_over ${bool} not null
);
create index job_runs_run_over on job_runs_run (is_over);
`,
  },
]
