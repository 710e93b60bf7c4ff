/** The one door to the database: what every module and plugin may ask of it, on both dialects. */
import type { SQL } from 'drizzle-orm'
import type { SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy'

/** SQLite is embedded and the default; PostgreSQL serves when `DATABASE_URL` is set. */
export type DialectName = 'sqlite' | 'postgres'

/** A value that goes into a statement or comes out of a row. Blobs are always `Uint8Array`. */
export type SqlValue = string | number | bigint | boolean | Uint8Array | null

export type Row = Record<string, SqlValue>

export interface Queries {
  readonly dialect: DialectName
  /** Drizzle's query builder. Typed as SQLite; `columns.ts` makes the tables fit both dialects. */
  readonly query: SqliteRemoteDatabase
  /** Runs one statement and returns its rows, keyed by column name (64-bit integers as numbers). */
  rows<T = Row>(statement: SQL): Promise<T[]>
  /** Runs one statement for its effect; answers how many rows it changed. */
  run(statement: SQL): Promise<number>
}

export interface Transaction extends Queries {
  /**
   * Waits until no other transaction, on any server, holds this name; held until the end. For
   * read-modify-writes and work that one server at a time may do. Free on SQLite: one writer.
   */
  lock(name: string): Promise<void>
}

export interface Database extends Queries {
  /**
   * Runs `work` in a real transaction: everything in it is committed, durably, when the promise
   * resolves, or rolled back when it rejects. Only the `tx` handed in belongs to the transaction;
   * statements on `db` itself run outside of it and never see uncommitted rows.
   * A statement that fails dooms it, also when its error is caught. A transaction or write of
   * `db` inside of `work` is refused: it could wait for itself.
   * SQLite: `BEGIN IMMEDIATE`, one writer at a time, in order of arrival. PostgreSQL: READ
   * COMMITTED.
   * @throws DiskFullError when the disk has no room (the transaction is rolled back)
   * @throws ConflictError when a unique or foreign key constraint refuses it
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}
