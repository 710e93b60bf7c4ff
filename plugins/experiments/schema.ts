/** The tables of experiments and their journals. Files and model calls bring their own. */
import type { Migration } from '../../src/sdk.ts'

/**
 * Times are milliseconds since the epoch. `settings`, `task` and `prepared` are JSON text. `steps`
 * is `first_steps` and all extensions. What is in `experiments_experiment` beside the journal
 * (status, counts) is written in the transaction that adds the event it follows from, so that
 * lists need no fold.
 */
export const experimentsMigrations: readonly Migration[] = [
  {
    name: '0001_experiments',
    up: ({ big, real }) => `
create table experiments_experiment (
  id text not null primary key,
  owner_id ${big} not null,
  name text not null,
  goal text not null,
  evaluation text,
  status text not null,
  settings text not null,
  first_steps ${big} not null,
  steps ${big} not null,
  finished_steps ${big} not null,
  task text,
  prepared text,
  best_node text,
  best_metric ${real},
  maximize ${big},
  project_id ${big},
  run_id ${big},
  version ${big} not null,
  error text,
  created_at ${big} not null,
  updated_at ${big} not null,
  started_at ${big},
  ended_at ${big}
);
create index experiments_experiment_owner on experiments_experiment (owner_id, created_at);
create index experiments_experiment_status on experiments_experiment (status);

create table experiments_event (
  experiment_id text not null references experiments_experiment (id) on delete cascade,
  seq ${big} not null,
  at ${big} not null,
  data text not null,
  primary key (experiment_id, seq)
);

create table experiments_input (
  experiment_id text not null references experiments_experiment (id) on delete cascade,
  path text not null,
  sha256 text not null,
  size ${big} not null,
  file_id text,
  primary key (experiment_id, path)
);

create table experiments_lease (
  experiment_id text not null primary key references experiments_experiment (id) on delete cascade,
  holder text not null,
  until ${big} not null
);

create table experiments_project (
  owner_id ${big} not null primary key,
  project_id ${big} not null
);

create table experiments_kept (
  experiment_id text not null references experiments_experiment (id) on delete cascade,
  sha256 text not null,
  primary key (experiment_id, sha256)
);
create index experiments_kept_sha256 on experiments_kept (sha256);
`,
  },
]
