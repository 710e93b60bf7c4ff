/** Finds a PostgreSQL server for the tests, or starts a private one that ends with them. */
import { Glob, SQL } from 'bun'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from '../command.ts'
import { freePort, waitUntil } from '../port.ts'
import { aptInstall } from './apt.ts'
import { found, type Service } from './service.ts'

const name = 'PostgreSQL'

export const postgres = async (): Promise<Service> => {
  const given = process.env['TEST_DATABASE_URL']
  const url = given ?? 'postgres://postgres@127.0.0.1:5432'
  if (await answers(url)) return found(name, `found at ${url}`, { TEST_DATABASE_URL: url })
  if (given) throw new Error(`TEST_DATABASE_URL=${given} does not answer`)
  if (!binaries()) await aptInstall('postgresql')
  const bin = binaries()
  if (!bin) throw new Error('initdb is still missing after the installation')
  return startPrivate(bin)
}

const answers = async (url: string): Promise<boolean> => {
  const sql = new SQL(url, { max: 1, connectionTimeout: 3 })
  try {
    await sql`select 1`
    return true
  } catch {
    return false
  } finally {
    await sql.close().catch(() => {})
  }
}

/** Debian keeps the programs outside of PATH, one folder a version. */
const binaries = (): string | undefined => {
  const onPath = Bun.which('initdb')
  if (onPath) return join(onPath, '..')
  const versions = [...new Glob('*/bin/initdb').scanSync('/usr/lib/postgresql')].sort()
  const newest = versions.at(-1)
  return newest && join('/usr/lib/postgresql', newest, '..')
}

const startPrivate = async (bin: string): Promise<Service> => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-postgres-'))
  const data = join(folder, 'data')
  // The server refuses to run as root, so root lends it the account that Debian made for it.
  const asOwner =
    process.getuid?.() === 0
      ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups']
      : []
  if (asOwner.length > 0) await must(['chown', 'postgres', folder])
  await chmod(folder, 0o700)
  await must([...asOwner, join(bin, 'initdb'), '-D', data, '-U', 'postgres', '-A', 'trust'], {
    cwd: '/',
  })
  const port = freePort()
  const options = {
    port: `${port}`,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    max_connections: '200',
    fsync: 'off',
  }
  const child = Bun.spawn(
    [
      ...asOwner,
      join(bin, 'postgres'),
      '-D',
      data,
      ...Object.entries(options).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    { cwd: '/', stdin: 'ignore', stdout: 'ignore', stderr: Bun.file(`${folder}.log`) },
  )
  const url = `postgres://postgres@127.0.0.1:${port}`
  await waitUntil(name, () => answers(url))
  return {
    name,
    note: `started at ${url}`,
    env: { TEST_DATABASE_URL: url },
    async stop() {
      child.kill('SIGINT')
      await child.exited
      await rm(folder, { recursive: true, force: true })
      await rm(`${folder}.log`, { force: true })
    },
  }
}
