/** The table of uploaded files; their bytes are in the plugin's blobs. */
import type { Migration } from '../../../src/sdk.ts'

export const fileMigrations: readonly Migration[] = [
  {
    name: '0002_files',
    up: ({ big }) => `
create table experiments_file (
  id text not null primary key,
  owner_id ${big} not null,
  name text not null,
  sha256 text not null,
  size ${big} not null,
  mime_type text not null,
  uploaded_at ${big} not null
);
create index experiments_file_owner on experiments_file (owner_id, uploaded_at);
create index experiments_file_sha256 on experiments_file (sha256);
create index experiments_input_sha256 on experiments_input (sha256);
`,
  },
]
