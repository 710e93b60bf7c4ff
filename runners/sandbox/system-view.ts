/** What every sandbox shows of the host, as arguments of bwrap: the system, and what is shared. */
import { lstatSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'

/** Of /etc, what runtimes look up: libraries, certificates, names, the time zone. */
const etc = [
  'alternatives',
  'ca-certificates',
  'group',
  'hosts',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'nsswitch.conf',
  'passwd',
  'pki',
  'protocols',
  'services',
  'ssl',
]

export const system = (network: boolean): string[] => [
  ...['--ro-bind', '/usr', '/usr'],
  ...['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].flatMap(sameAsOutside),
  ...[...etc, ...(network ? ['resolv.conf'] : [])]
    .map((name) => join('/etc', name))
    .flatMap((path) => ['--ro-bind-try', path, path]),
]

/** Most systems have /lib as a link into /usr; some still have a folder. */
const sameAsOutside = (path: string): string[] => {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat) return []
  return stat.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}

export const readable = (path: string): string[] => [...above(path), '--ro-bind-try', path, path]

/** The folders on the way: made by default they would be open to root alone. */
export const above = (path: string): string[] => {
  const parent = dirname(path)
  return parent === '/' ? [] : [...above(parent), '--perms', '0755', '--dir', parent]
}

/** The interpreters that shared Python environments on the path borrow. */
export const interpreters = (
  env: Readonly<Record<string, string>>,
  shared: readonly string[],
): string[] =>
  (env['PATH'] ?? '')
    .split(delimiter)
    // A path of the job's own choice must not open folders of the host.
    .filter((folder) => shared.some((root) => resolve(folder).startsWith(`${resolve(root)}/`)))
    .flatMap((folder) => {
      try {
        const config = readFileSync(join(dirname(resolve(folder)), 'pyvenv.cfg'), 'utf8')
        const home = /^home\s*=\s*(.+)$/m.exec(config)?.[1]?.trim()
        return home && !home.startsWith('/usr/') ? [dirname(realpathSync(home))] : []
      } catch {
        return []
      }
    })
