/** The arguments that give a program a machine of its own: its folder, the system, nothing else. */
import { lstatSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { attemptFiles } from '../attempt-files.ts'
import type { AttemptFolder } from '../executor.ts'
import { gpuDevices } from './gpu-devices.ts'
import type { BubblewrapHost } from './host.ts'

export interface BubblewrapRequest {
  readonly folder: AttemptFolder
  readonly env: Readonly<Record<string, string>>
  /** Folders that every program may read: environments, helper modules. */
  readonly shared: readonly string[]
  readonly host: BubblewrapHost
}

/** Who programs are, inside: the user that owns nothing. */
export const nobody = 65534

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

export const bubblewrap = ({ folder, env, shared, host }: BubblewrapRequest): string[] => {
  const network = folder.plan.network ?? false
  return [
    host.path,
    ...['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try'],
    ...(network ? [] : ['--unshare-net']),
    ...['--die-with-parent', '--new-session', '--hostname', 'hearth'],
    ...user(host),
    ...system(network),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...scratch(folder, '/dev/shm'),
    ...scratch(folder, '/tmp'),
    ...scratch(folder, '/var/tmp'),
    ...gpuDevices(folder.gpus).flatMap((path) => ['--dev-bind', path, path]),
    ...[...shared, ...interpreters(env, shared)].flatMap(readable),
    ...own(folder.path),
    ...['--remount-ro', '/'],
    '--',
    ...dropRoot(host),
    ...folder.plan.command,
  ]
}

/** Root makes the sandbox as root and gives root up in it; others become somebody by mapping. */
const user = ({ owner }: BubblewrapHost): string[] =>
  owner === null
    ? ['--unshare-user', '--uid', String(nobody), '--gid', String(nobody), '--cap-drop', 'ALL']
    : ['--cap-drop', 'ALL', '--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID']

const dropRoot = ({ owner, setpriv }: BubblewrapHost): string[] =>
  owner === null || setpriv === null
    ? []
    : [setpriv, `--reuid=${owner}`, `--regid=${owner}`, '--clear-groups', '--inh-caps=-all', '--']

const system = (network: boolean): string[] => [
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

/** Memory that looks like a folder, private and gone with the program. */
const scratch = ({ plan }: AttemptFolder, path: string): string[] => {
  const size = plan.limits?.diskBytes
  const sized = size === undefined ? [] : ['--size', String(Math.max(4096, size))]
  return ['--perms', '1777', ...sized, '--tmpfs', path]
}

/** Its files lie where they lie outside, so that paths mean the same on both sides. */
const own = (path: string): string[] => {
  const { work, home, events } = attemptFiles(path)
  const writable = [work, home, events].flatMap((mine) => ['--bind', mine, mine])
  return [...above(path), '--ro-bind', path, path, ...writable, '--chdir', work]
}

const readable = (path: string): string[] => [...above(path), '--ro-bind-try', path, path]

/** The folders on the way: made by default they would be open to root alone. */
const above = (path: string): string[] => {
  const parent = dirname(path)
  return parent === '/' ? [] : [...above(parent), '--perms', '0755', '--dir', parent]
}

/** The interpreters that shared Python environments on the path borrow. */
const interpreters = (env: Readonly<Record<string, string>>, shared: readonly string[]): string[] =>
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
