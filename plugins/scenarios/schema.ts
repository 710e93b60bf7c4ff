/** The tables of trainings, their curves, their models, and everybody's settings. */
import type { Migration } from '../../src/sdk.ts'
import { gatewayMigration } from './migrations/gateway.ts'
import { hearingMigration } from './migrations/hearing.ts'
import { learningMigration } from './migrations/learning.ts'
import { outsideMigration } from './migrations/outside.ts'
import { harnessMigration } from './migrations/harness.ts'
import { registryMigration } from './migrations/registry.ts'

/** Times are milliseconds since the epoch; `settings`, `figures`, `test` and `data` are JSON. */
export const scenariosMigrations: readonly Migration[] = [
  {
    name: '0001_scenarios',
    up: ({ id, big, real }) => `
create table scenarios_session (
  n ${id},
  id text not null,
  owner_id ${big} not null,
  job_id text,
  scenario text not null,
  version ${big} not null,
  framework text not null,
  settings text not null,
  status text not null,
  episode ${big} not null,
  figures text not null,
  updates ${big} not null,
  model_id text,
  error text,
  created_at ${big} not null,
  ended_at ${big}
);
create unique index scenarios_session_id on scenarios_session (id);
create index scenarios_session_job on scenarios_session (job_id);
create index scenarios_session_owner on scenarios_session (owner_id);

create table scenarios_point (
  session_id text not null,
  seq ${big} not null,
  episode ${big} not null,
  data text not null,
  primary key (session_id, seq)
);

create table scenarios_model (
  n ${id},
  id text not null,
  owner_id ${big} not null,
  session_id text not null,
  name text not null,
  scenario text not null,
  version ${big} not null,
  framework text not null,
  accuracy ${real} not null,
  episodes ${big} not null,
  size ${big} not null,
  policy_sha256 text not null,
  onnx_sha256 text not null,
  test text not null,
  created_at ${big} not null
);
create unique index scenarios_model_id on scenarios_model (id);
create unique index scenarios_model_session on scenarios_model (session_id);
create index scenarios_model_sha256 on scenarios_model (onnx_sha256);

create table scenarios_settings (
  owner_id ${big} not null primary key,
  data text not null
);
`,
  },
  registryMigration,
  gatewayMigration,
  outsideMigration,
  harnessMigration,
  learningMigration,
  hearingMigration,
]
