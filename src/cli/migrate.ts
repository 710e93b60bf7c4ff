/** `hearth migrate`: brings the database up to date without serving. */
import { parseArgs } from 'node:util'
import { authMigrations } from '../auth/migrations.ts'
import { readSettings } from '../kernel/config.ts'
import { lockDataDir } from '../storage/lock.ts'
import { migrate } from '../storage/migrate.ts'
import { openDatabase } from '../storage/open.ts'
import { builtInSources } from './built-in.ts'

export const migrateAll = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, json: { type: 'boolean', default: false } },
  })
  const settings = readSettings(process.env, values.config)
  const lock = await lockDataDir(settings.DATA_DIR)
  const db = await openDatabase({
    dataDir: settings.DATA_DIR,
    databaseUrl: settings.DATABASE_URL,
  })
  try {
    const sources = builtInSources({})
    const applied = await migrate(db, [
      { plugin: 'auth', migrations: authMigrations },
      ...sources.map(({ plugin }) => ({
        plugin: plugin.id,
        migrations: plugin.migrations ?? [],
      })),
    ])
    const text = applied.length > 0 ? applied.join('\n') : 'nothing to do'
    process.stdout.write(`${values.json ? JSON.stringify({ applied }) : text}\n`)
    return 0
  } finally {
    await db.close()
    await lock.release()
  }
}
