/** Opens the database that the configuration names. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from './database.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

export interface DatabaseOptions {
  /** Where the embedded database lives (made when missing); `:memory:` for tests. */
  readonly dataDir: string
  /** `postgres://...`; absent: the embedded database. */
  readonly databaseUrl?: string | undefined
}

export const openDatabase = async (options: DatabaseOptions): Promise<Database> => {
  if (options.databaseUrl) return openPostgres(options.databaseUrl)
  if (options.dataDir === ':memory:') return openSqlite(':memory:')
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  return openSqlite(join(options.dataDir, 'hearth.sqlite'))
}
