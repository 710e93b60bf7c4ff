/** What `hearth doctor` tries, one function a subject; each does the thing rather than guess. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { authMigrations } from '../auth/migrations.ts'
import type { Settings } from '../kernel/config.ts'
import { pingRedis } from '../live/bus.ts'
import { lockDataDir } from '../storage/lock.ts'
import { pendingMigrations } from '../storage/migrate.ts'
import { openDatabase } from '../storage/open.ts'
import { sql } from '../storage/sql.ts'
import { builtInSources } from './built-in.ts'

export interface Finding {
  readonly name: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** What to do about it. */
  readonly fix?: string
}

const wantedBun = '>=1.4.5'
const lowSpaceBytes = 2 ** 30
const lowFileLimit = 4096

export const checkBun = async (): Promise<Finding> =>
  Bun.semver.satisfies(Bun.version, wantedBun)
    ? { name: 'bun', status: 'ok', detail: Bun.version }
    : {
        name: 'bun',
        status: 'fail',
        detail: `${Bun.version} is older than ${wantedBun}`,
        fix: 'npm install -g bun@1.4.5',
      }

export const checkDataDir = async ({ DATA_DIR }: Settings): Promise<Finding> => {
  const path = resolve(DATA_DIR)
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    return { name: 'data', status: 'ok', detail: `${path} is writable` }
  } catch (error) {
    const fix = `chown it to this user, or set DATA_DIR to a folder that you may write`
    return { name: 'data', status: 'fail', detail: `${path}: ${(error as Error).message}`, fix }
  }
}

export const checkDiskSpace = async ({ DATA_DIR }: Settings): Promise<Finding> => {
  const path = existsSync(DATA_DIR) ? DATA_DIR : dirname(resolve(DATA_DIR))
  const { bavail, bsize } = statfsSync(path)
  const freeBytes = bavail * bsize
  const detail = `${(freeBytes / 2 ** 30).toFixed(1)} GiB free`
  return freeBytes >= lowSpaceBytes
    ? { name: 'disk', status: 'ok', detail }
    : { name: 'disk', status: 'warn', detail, fix: 'free some room, or move DATA_DIR' }
}

export const checkLock = async ({ DATA_DIR }: Settings): Promise<Finding> => {
  try {
    await (await lockDataDir(DATA_DIR)).release()
    return { name: 'lock', status: 'ok', detail: 'no other server uses the data folder' }
  } catch (error) {
    const fix = 'that is fine if it is your server; stop it to start another one here'
    return { name: 'lock', status: 'warn', detail: (error as Error).message, fix }
  }
}

const openFor = ({ DATA_DIR, DATABASE_URL }: Settings) =>
  openDatabase({ dataDir: DATA_DIR, databaseUrl: DATABASE_URL })

export const checkDatabase = async (settings: Settings): Promise<Finding> => {
  try {
    const db = await openFor(settings)
    try {
      if (db.dialect === 'postgres') {
        const [row] = await db.rows<{ version: string }>(sql`select version() as version`)
        return { name: 'database', status: 'ok', detail: row?.version.split(' on ')[0] ?? '' }
      }
      const rows = await db.rows<{ quick_check: string }>(sql`pragma quick_check`)
      const problems = rows.map(({ quick_check }) => quick_check).filter((text) => text !== 'ok')
      return problems.length === 0
        ? { name: 'database', status: 'ok', detail: 'SQLite, intact' }
        : {
            name: 'database',
            status: 'fail',
            detail: problems.slice(0, 3).join('; '),
            fix: 'stop the server and restore the data folder from a backup',
          }
    } finally {
      await db.close()
    }
  } catch (error) {
    const fix = settings.DATABASE_URL
      ? 'is the server running, and does DATABASE_URL name an existing database and user?'
      : 'check the rights and the state of DATA_DIR'
    return { name: 'database', status: 'fail', detail: (error as Error).message, fix }
  }
}

export const checkMigrations = async (settings: Settings): Promise<Finding> => {
  const db = await openFor(settings)
  try {
    const pending = await pendingMigrations(db, [
      { plugin: 'auth', migrations: authMigrations },
      ...builtInSources({}).map(({ plugin }) => ({
        plugin: plugin.id,
        migrations: plugin.migrations ?? [],
      })),
    ])
    const detail =
      pending.length === 0
        ? 'the schema is up to date'
        : `to be applied at start: ${pending.length}`
    return { name: 'migrations', status: 'ok', detail }
  } catch (error) {
    const fix = 'run the newer version of hearth that this database was written by'
    return { name: 'migrations', status: 'fail', detail: (error as Error).message, fix }
  } finally {
    await db.close()
  }
}

export const checkRedis = async ({ REDIS_URL }: Settings): Promise<Finding> => {
  if (!REDIS_URL) return { name: 'redis', status: 'ok', detail: 'not used (one server)' }
  try {
    await pingRedis(REDIS_URL)
    return { name: 'redis', status: 'ok', detail: 'answers' }
  } catch (error) {
    const fix = 'start it, or unset REDIS_URL when there is one server only'
    return { name: 'redis', status: 'fail', detail: (error as Error).message, fix }
  }
}

export const checkPort = async ({ HOST, PORT }: Settings): Promise<Finding> => {
  try {
    const server = Bun.serve({
      hostname: HOST,
      port: PORT,
      reusePort: false,
      fetch: () => new Response(),
    })
    await server.stop(true)
    return { name: 'port', status: 'ok', detail: `${HOST}:${PORT} is free` }
  } catch {
    return {
      name: 'port',
      status: 'warn',
      detail: `${HOST}:${PORT} cannot be taken`,
      fix: 'another program holds it, or the address is not of this machine; set PORT or HOST',
    }
  }
}

export const checkExposure = async (settings: Settings): Promise<Finding> => {
  const { HOST, loopback, authRequired } = settings
  if (loopback && !authRequired) {
    return { name: 'access', status: 'ok', detail: 'open to this machine only' }
  }
  const detail = loopback
    ? 'a token is required'
    : `${HOST} is reachable from the network: a token is required, and traffic is not encrypted`
  return loopback
    ? { name: 'access', status: 'ok', detail }
    : { name: 'access', status: 'warn', detail, fix: 'put a TLS proxy before it' }
}

export const checkFileLimit = async (): Promise<Finding> => {
  const limits = existsSync('/proc/self/limits') ? readFileSync('/proc/self/limits', 'utf8') : ''
  const soft = Number(/Max open files\s+(\d+)/.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  if (soft >= lowFileLimit) return { name: 'files', status: 'ok', detail: `up to ${soft} open` }
  const detail = `only ${soft} files may be open: each live client takes one`
  return { name: 'files', status: 'warn', detail, fix: 'ulimit -n 65536' }
}
