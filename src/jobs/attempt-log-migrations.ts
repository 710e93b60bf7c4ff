/** The tables of bytes, events and files of jobs. */
import type { Migration } from '../storage/migrate.ts'

/**
 * `jobs_stream` and `jobs_chunk` hold bytes where they are rows. `jobs_events` says how far the
 * events of an attempt were applied, and up to where they are just being applied: after a crash
 * exactly that part is applied again, under the same batch id.
 */
export const streamMigrations: readonly Migration[] = [
  {
    name: '0101_streams',
    up: ({ big, blob, bool, dialect }) => `
create table jobs_stream (
  job_id text not null,
  attempt ${big} not null,
  stream text not null,
  size ${big} not null,
  last_start ${big} not null,
  sealed ${bool} not null,
  primary key (job_id, attempt, stream)
);
create table jobs_chunk (
  job_id text not null,
  attempt ${big} not null,
  stream text not null,
  start ${big} not null,
  bytes ${blob} not null,
  primary key (job_id, attempt, stream, start)
);
${dialect === 'postgres' ? 'alter table jobs_chunk alter column bytes set storage external;' : ''}
`,
  },
  {
    name: '0102_events',
    up: ({ big, bool, real }) => `
create table jobs_events (
  job_id text not null,
  attempt ${big} not null,
  applied ${big} not null,
  applying ${big},
  broken_at ${big},
  checkpoint text,
  done ${bool} not null,
  primary key (job_id, attempt)
);
create index jobs_events_done on jobs_events (done);
create table jobs_progress (
  job_id text not null primary key,
  attempt ${big} not null,
  version ${big} not null,
  version_at ${big} not null,
  created_at ${big} not null,
  done ${real},
  total ${real},
  message text,
  first_done ${real},
  first_at ${big},
  ends_at ${big},
  run_id text,
  is_told ${bool} not null
);
create table jobs_metric (
  job_id text not null,
  name text not null,
  value text not null,
  step ${big} not null,
  at ${big} not null,
  points ${big} not null,
  primary key (job_id, name)
);
`,
  },
  {
    name: '0103_artifacts',
    up: ({ big }) => `
create table jobs_blob (
  sha256 text not null,
  owner text not null,
  size ${big} not null,
  used_at ${big} not null,
  primary key (sha256, owner)
);
create index jobs_blob_owner on jobs_blob (owner);
create index jobs_blob_used on jobs_blob (used_at);
create table jobs_artifact (
  job_id text not null,
  path text not null,
  kind text not null,
  attempt ${big} not null,
  sha256 text not null,
  size ${big} not null,
  created_at ${big} not null,
  primary key (job_id, path)
);
create index jobs_artifact_blob on jobs_artifact (sha256);
create table jobs_input (
  job_id text not null,
  sha256 text not null,
  primary key (job_id, sha256)
);
create index jobs_input_blob on jobs_input (sha256);
`,
  },
]
