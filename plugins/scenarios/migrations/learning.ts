/** What scripted players do on validation episodes, and whether anybody named the algorithm. */
import type { Migration } from '../../../src/sdk.ts'

/** `data` is JSON; `hash` as of `scenario-hash.ts`. `is_usual`: nobody named the algorithm. */
export const learningMigration: Migration = {
  name: '0006_learning',
  up: ({ big }) => `
alter table scenarios_session add column is_usual ${big} not null default 0;
alter table scenarios_session add column hash text not null default '';

create table scenarios_baseline (
  hash text not null primary key,
  data text not null
);
`,
}
