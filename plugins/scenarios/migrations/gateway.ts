/** The tables of rollouts that agents play through the gateway, and of all episodes kept. */
import type { Migration } from '../../../src/sdk.ts'

/** Times are milliseconds since the epoch; `state`, `data`, `components`, `messages` are JSON. */
export const gatewayMigration: Migration = {
  name: '0003_gateway',
  up: ({ id, big, real }) => `
create table scenarios_rollout (
  n ${id},
  id text not null,
  owner_id ${big} not null,
  scenario text not null,
  status text not null,
  state text not null,
  created_at ${big} not null,
  touched_at ${big} not null
);
create unique index scenarios_rollout_id on scenarios_rollout (owner_id, id);
create index scenarios_rollout_touched on scenarios_rollout (status, touched_at);

create table scenarios_rollout_event (
  rollout_n ${big} not null,
  seq ${big} not null,
  at ${big} not null,
  data text not null,
  primary key (rollout_n, seq)
);

create table scenarios_episode (
  n ${id},
  owner_id ${big} not null,
  scenario text not null,
  version ${big} not null,
  split text not null,
  episode ${big} not null,
  task text not null,
  player text not null,
  source text not null,
  success ${big} not null,
  reward ${real} not null,
  score ${real} not null,
  components text not null,
  data text not null,
  messages text,
  created_at ${big} not null
);
create index scenarios_episode_owner on scenarios_episode (owner_id, scenario, n);
`,
}
