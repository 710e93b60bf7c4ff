/** The tables of users and keys, and the counter that tells servers when one of them changed. */
import type { Migration } from '../storage/migrate.ts'

export const authMigrations: readonly Migration[] = [
  {
    name: '0001_users_and_keys',
    up: ({ id, big, bool }) => `
      CREATE TABLE auth_user (
        id ${id},
        email TEXT NOT NULL,
        email_key TEXT NOT NULL UNIQUE,
        username TEXT NOT NULL,
        username_key TEXT NOT NULL UNIQUE,
        password_hash TEXT NOT NULL,
        is_active ${bool} NOT NULL,
        is_superuser ${bool} NOT NULL,
        token_version ${big} NOT NULL,
        created_at ${big} NOT NULL,
        updated_at ${big} NOT NULL
      );
      CREATE TABLE auth_api_key (
        id ${id},
        user_id ${big} NOT NULL REFERENCES auth_user (id),
        name TEXT NOT NULL,
        prefix TEXT NOT NULL,
        sha256 TEXT NOT NULL UNIQUE,
        created_at ${big} NOT NULL,
        expires_at ${big},
        last_used_at ${big}
      );
      CREATE INDEX auth_api_key_by_user ON auth_api_key (user_id);
      CREATE TABLE auth_state (
        id ${big} PRIMARY KEY,
        version ${big} NOT NULL
      );
      INSERT INTO auth_state (id, version) VALUES (1, 0);
    `,
  },
]
