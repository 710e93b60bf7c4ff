/** Finds the control groups this process may make groups in: version 2, version 1, or both. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Controller = 'memory' | 'cpu' | 'pids'
export const controllers: readonly Controller[] = ['memory', 'cpu', 'pids']

/** A place where groups of attempts can be made. */
export interface Hierarchy {
  readonly version: 1 | 2
  readonly base: string
  /** What it limits; none still lists and kills, when it is of version 2. */
  readonly controllers: readonly Controller[]
}

export interface CgroupFiles {
  readonly mounts: string
  readonly own: string
}

/** Where the kernel says what is mounted, and where this process stands in it. */
const read = (): CgroupFiles => ({
  mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
  own: readFileSync('/proc/self/cgroup', 'utf8'),
})

/** The leaf that an agent moves into, since version 2 limits only groups without processes. */
const agentLeaf = 'hearth-node'

interface Mount {
  readonly root: string
  readonly point: string
  readonly type: string
  readonly options: readonly string[]
}

const parseMounts = (text: string): Mount[] =>
  text
    .split('\n')
    .map((line) => line.split(' - '))
    .flatMap(([left = '', right = '']) => {
      const [, , , root = '/', point = ''] = left.split(' ')
      const [type = '', , options = ''] = right.split(' ')
      return type.startsWith('cgroup') ? [{ root, point, type, options: options.split(',') }] : []
    })

/** The folder of this process's own group below a mount. */
const ownFolder = (mount: Mount, own: string): string | null => {
  for (const line of own.split('\n')) {
    const [, names = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    const mine =
      mount.type === 'cgroup2'
        ? line.startsWith('0::')
        : names !== '' && names.split(',').every((name) => mount.options.includes(name))
    if (!mine) continue
    const below = mount.root !== '/' && path.startsWith(mount.root)
    return join(mount.point, below ? path.slice(mount.root.length) : path)
  }
  return null
}

/** Every hierarchy in which a group can be made here, found by making one. */
export const findHierarchies = (files: CgroupFiles = read()): Hierarchy[] => {
  const found: Hierarchy[] = []
  for (const mount of parseMounts(files.mounts)) {
    const folder = ownFolder(mount, files.own)?.replace(new RegExp(`/${agentLeaf}$`), '')
    if (!folder) continue
    const version = mount.type === 'cgroup2' ? 2 : 1
    const limits =
      version === 2 ? enable(folder) : controllers.filter((name) => mount.options.includes(name))
    if (version === 1 && limits.length === 0) continue
    if (canMake(folder)) found.push({ version, base: folder, controllers: limits })
  }
  return found
}

const canMake = (base: string): boolean => {
  const folder = join(base, `hearth-probe-${process.pid}`)
  try {
    mkdirSync(folder)
    rmdirSync(folder)
    return true
  } catch {
    return false
  }
}

/** Has the groups below `base` limited by what version 2 offers there. Answers what is. */
const enable = (base: string): Controller[] => {
  const words = (name: string): string[] => {
    try {
      return readFileSync(join(base, name), 'utf8').trim().split(' ')
    } catch {
      return []
    }
  }
  const offered = controllers.filter((name) => words('cgroup.controllers').includes(name))
  const on = () => offered.filter((name) => words('cgroup.subtree_control').includes(name))
  if (on().length === offered.length) return offered
  const wanted = offered.map((name) => `+${name}`).join(' ')
  try {
    writeFileSync(join(base, 'cgroup.subtree_control'), wanted)
  } catch {
    try {
      const leaf = join(base, agentLeaf)
      mkdirSync(leaf, { recursive: true })
      writeFileSync(join(leaf, 'cgroup.procs'), '0')
      writeFileSync(join(base, 'cgroup.subtree_control'), wanted)
    } catch {
      // Not ours to change: what is on already is all there is.
    }
  }
  return on()
}
