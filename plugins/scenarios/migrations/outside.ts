/** The table of scenarios whose environments are other programs. */
import type { Migration } from '../../../src/sdk.ts'

/**
 * `definition` and `described` are JSON, the latter null until the describing job is done. Those
 * that were deleted stay, without either: the next one of that id is a version of its own.
 */
export const outsideMigration: Migration = {
  name: '0004_outside',
  up: ({ id, big }) => `
create table scenarios_outside (
  n ${id},
  id text not null,
  version ${big} not null,
  owner_id ${big} not null,
  status text not null,
  definition text not null,
  described text,
  job_id text,
  error text,
  created_at ${big} not null
);
create unique index scenarios_outside_id on scenarios_outside (id, version);
create index scenarios_outside_job on scenarios_outside (job_id);
`,
}
