/** Models by name and version, whoever registered them, with any number of files. */
import type { Migration } from '../../../src/sdk.ts'

/** `number` counts the models of a name; `test` and `lineage` are JSON; sizes are bytes. */
export const registryMigration: Migration = {
  name: '0002_registry',
  up: ({ id, big, real }) => `
create table scenarios_registered (
  n ${id},
  id text not null,
  owner_id ${big} not null,
  session_id text,
  name text not null,
  number ${big} not null,
  kind text not null,
  scenario text not null,
  version ${big} not null,
  framework text not null,
  accuracy ${real} not null,
  episodes ${big} not null,
  size ${big} not null,
  test text not null,
  lineage text not null,
  created_at ${big} not null
);
insert into scenarios_registered
  (id, owner_id, session_id, name, number, kind, scenario, version, framework, accuracy, episodes,
   size, test, lineage, created_at)
select id, owner_id, session_id, name,
  row_number() over (partition by owner_id, name order by n),
  'policy', scenario, version, framework, accuracy, episodes, size, test, '{}', created_at
from scenarios_model order by n;

create table scenarios_artifact (
  model_id text not null,
  path text not null,
  sha256 text not null,
  size ${big} not null,
  primary key (model_id, path)
);
create index scenarios_artifact_sha256 on scenarios_artifact (sha256);
insert into scenarios_artifact (model_id, path, sha256, size)
  select id, 'model/policy.onnx', onnx_sha256, size from scenarios_model;
insert into scenarios_artifact (model_id, path, sha256, size)
  select id, 'model/policy.json', policy_sha256, 0 from scenarios_model;

drop table scenarios_model;
alter table scenarios_registered rename to scenarios_model;
create unique index scenarios_model_id on scenarios_model (id);
create unique index scenarios_model_session on scenarios_model (session_id);
create unique index scenarios_model_number on scenarios_model (owner_id, name, number);
`,
}
