/** The tables of the point store. */
import type { Migration } from '../../../src/sdk.ts'

export const pointMigrations: Migration[] = [
  {
    name: '0100_points',
    up: ({ dialect, id, big, blob, real }) => {
      // One copy of each row, in order of its key, where the dialect can do that.
      const clustered = dialect === 'sqlite' ? ' without rowid' : ''
      return `
        create table tracking_counter (id ${big} primary key, next_id ${big} not null);
        insert into tracking_counter (id, next_id) values (1, 1);

        create table tracking_seal (run_id ${big} primary key, version ${big} not null);

        create table tracking_series (
          id ${id},
          run_id ${big} not null,
          name text not null,
          sealed ${blob},
          tail_id ${big},
          last_value ${real},
          last_step ${big},
          min_value ${real},
          max_value ${real},
          mean_value ${real},
          count ${big} not null default 0,
          unique (run_id, name)
        );

        create table tracking_batch (
          first_id ${big} primary key,
          run_id ${big} not null,
          payload ${blob} not null
        );
        create index tracking_batch_run on tracking_batch (run_id, first_id);

        create table tracking_batch_key (
          run_id ${big} not null,
          batch_id text not null,
          first_id ${big} not null,
          stored ${big} not null,
          repeated ${big} not null,
          at ${big} not null,
          primary key (run_id, batch_id)
        )${clustered};
        create index tracking_batch_key_at on tracking_batch_key (at);

        create table tracking_chunk (
          series_id ${big} not null,
          first_id ${big} not null,
          summary ${blob} not null,
          primary key (series_id, first_id)
        )${clustered};

        create table tracking_chunk_data (first_id ${big} primary key, payload ${blob} not null);
      `
    },
  },
]
