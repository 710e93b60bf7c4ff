/** The tables of projects and runs. Points, artifacts and accounts bring their own. */
import type { Migration } from '../../src/sdk.ts'

/**
 * All times are microseconds since the epoch. `config`, `tags` and `environment` are JSON text;
 * `tracking_tag` and `tracking_param` hold the same again in a form that SQL can search.
 * `last_heard_at` lags a few seconds behind: see state.ts.
 */
export const trackingMigrations: readonly Migration[] = [
  {
    name: '0001_projects_and_runs',
    up: ({ id, big, bool, real }) => `
create table tracking_project (
  id ${id},
  name text not null,
  description text,
  owner_id ${big} not null,
  is_public ${bool} not null,
  created_at ${big} not null,
  updated_at ${big} not null,
  deleted_at ${big}
);
create index tracking_project_owner on tracking_project (owner_id, id);

create table tracking_run (
  id ${id},
  project_id ${big} not null references tracking_project (id),
  name text not null,
  status text not null,
  config text not null,
  tags text not null,
  notes text,
  environment text,
  run_key text,
  forked_run_id ${big},
  forked_step ${big},
  started_at ${big} not null,
  ended_at ${big},
  last_heard_at ${big} not null,
  created_at ${big} not null,
  updated_at ${big} not null,
  deleted_at ${big}
);
create index tracking_run_project on tracking_run (project_id, id);
create unique index tracking_run_run_key on tracking_run (project_id, run_key);

create table tracking_tag (
  run_id ${big} not null references tracking_run (id) on delete cascade,
  tag text not null,
  primary key (run_id, tag)
);
create index tracking_tag_tag on tracking_tag (tag, run_id);

create table tracking_param (
  run_id ${big} not null references tracking_run (id) on delete cascade,
  key text not null,
  text text,
  number ${real},
  primary key (run_id, key)
);
create index tracking_param_number on tracking_param (key, number);
`,
  },
  {
    name: '0002_console',
    up: ({ big }) => `
create table tracking_console (
  run_id ${big} not null references tracking_run (id) on delete cascade,
  id ${big} not null,
  stream text not null,
  text text not null,
  written_at ${big} not null,
  batch_key text,
  primary key (run_id, id)
);
create unique index tracking_console_batch_key on tracking_console (run_id, batch_key);
`,
  },
]
