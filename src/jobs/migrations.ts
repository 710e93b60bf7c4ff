/** The tables of the engine. Those of bytes, events and files are the streams' own. */
import type { Migration } from '../storage/migrate.ts'

/**
 * Times are milliseconds since the epoch, `demand`, `policy`, `gpus`, `outcome` and `error` JSON
 * texts. Plans can be large and are written once, so they lie apart from what changes often.
 * `shape` names what a job demands of a node: jobs of one shape fit the same nodes.
 */
export const engineMigrations: readonly Migration[] = [
  {
    name: '0001_jobs',
    up: ({ id, big, bool }) => `
create table jobs_job (
  seq ${id},
  id text not null unique,
  owner_id ${big} not null,
  project_id ${big},
  kind text not null,
  name text not null,
  state text not null,
  desired text not null,
  attempt ${big} not null,
  retries_left ${big} not null,
  version ${big} not null,
  priority ${big} not null,
  waiting_for ${big} not null,
  ready_at ${big} not null,
  node_id text,
  gpus text,
  phase text,
  detail text,
  shape text not null,
  demand text not null,
  policy text not null,
  timeout_ms ${big},
  grace_ms ${big} not null,
  idempotency_key text,
  overdue ${big} not null,
  has_secrets ${bool} not null,
  told ${big} not null,
  followed ${big} not null,
  created_at ${big} not null,
  queued_at ${big} not null,
  started_at ${big},
  ended_at ${big},
  outcome text,
  error text
);
create index jobs_job_queue on jobs_job (priority desc, seq) where state = 'queued';
create index jobs_job_node on jobs_job (node_id) where state in ('assigned', 'running', 'lost');
create index jobs_job_owner on jobs_job (owner_id, seq);
create index jobs_job_state on jobs_job (state, seq);
create index jobs_job_ended on jobs_job (ended_at) where ended_at is not null;
create unique index jobs_job_key on jobs_job (owner_id, idempotency_key);

create table jobs_plan (
  job_id text not null primary key,
  plan text not null,
  secrets text
);
create table jobs_dependency (
  job_id text not null,
  after_id text not null,
  primary key (job_id, after_id)
);
create index jobs_dependency_after on jobs_dependency (after_id);
create table jobs_history (
  id ${id},
  job_id text not null,
  at ${big} not null,
  attempt ${big} not null,
  from_state text,
  to_state text not null,
  event text not null,
  actor text not null,
  why text,
  node_id text,
  outcome text
);
create index jobs_history_job on jobs_history (job_id, id);
`,
  },
  {
    name: '0002_nodes',
    up: ({ id, big, bool }) => `
create table jobs_node (
  id text not null primary key,
  name text not null,
  credential_hash text not null unique,
  join_token_id ${big},
  boot text,
  boot_before text,
  version text,
  capacity text,
  accepting ${bool} not null,
  draining ${bool} not null,
  beats ${big} not null,
  heard_at ${big} not null,
  joined_at ${big} not null,
  removed_at ${big}
);
create table jobs_join_token (
  id ${id},
  name text not null,
  hash text not null unique,
  prefix text not null,
  created_by ${big} not null,
  created_at ${big} not null,
  expires_at ${big},
  uses_left ${big},
  uses ${big} not null,
  revoked_at ${big}
);
`,
  },
]
