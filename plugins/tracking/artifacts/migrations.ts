/** The tables of artifacts. */
import type { Migration } from '../../../src/sdk.ts'

/**
 * `tracking_blob` lists the blobs this plugin ever referred to, until they are deleted; its rows
 * are also what uploads and the collection of garbage lock against each other.
 */
export const artifactMigrations: readonly Migration[] = [
  {
    name: '0020_artifacts',
    up: ({ big }) => `
create table tracking_artifact (
  run_id ${big} not null references tracking_run (id) on delete cascade,
  path text not null,
  sha256 text not null,
  size ${big} not null,
  content_type text not null,
  created_at ${big} not null,
  primary key (run_id, path)
);
create index tracking_artifact_sha256 on tracking_artifact (sha256);

create table tracking_blob (sha256 text primary key);
`,
  },
]
