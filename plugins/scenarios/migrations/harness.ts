/** The table of probes: on which node a framework was tried, and what came of it. */
import type { Migration } from '../../../src/sdk.ts'

/** `key` names the job, `state` is `running`, `succeeded` or `failed`, `node` is who tried. */
export const harnessMigration: Migration = {
  name: '0005_harness',
  up: ({ id, big }) => `
create table scenarios_probe (
  n ${id},
  key text not null,
  framework text not null,
  job_id text,
  state text not null,
  node text,
  version text,
  reason text,
  at ${big} not null
);
create unique index scenarios_probe_key on scenarios_probe (key);
`,
}
