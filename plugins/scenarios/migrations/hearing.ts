/** Which attempt of its job a training was heard of last: before, it would not hear either. */
import type { Migration } from '../../../src/sdk.ts'

export const hearingMigration: Migration = {
  name: '0007_hearing',
  up: ({ big }) => `
alter table scenarios_session add column heard_attempt ${big} not null default 0;
`,
}
