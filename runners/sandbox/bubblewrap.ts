/** The arguments that give a program a machine of its own: its folder, the system, nothing else. */
import { attemptFiles } from '../attempt-files.ts'
import type { AttemptFolder } from '../executor.ts'
import { gpuDevices } from './gpu-devices.ts'
import type { BubblewrapHost } from './host.ts'
import { setByEnv } from './loader-env.ts'
import { above, interpreters, readable, system } from './system-view.ts'

export interface BubblewrapRequest {
  readonly folder: AttemptFolder
  readonly env: Readonly<Record<string, string>>
  /** Folders that every program may read: environments, helper modules. */
  readonly shared: readonly string[]
  readonly host: BubblewrapHost
}

/** Who programs are, inside: the user that owns nothing. */
export const nobody = 65534

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
    ...setByEnv(env),
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
