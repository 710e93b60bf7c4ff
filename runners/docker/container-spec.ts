/** Says what container a plan becomes: what it may see, use and do, which is little. */
import { dirname } from 'node:path'
import { attemptFiles } from '../attempt-files.ts'
import type { AttemptFolder } from '../executor.ts'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

export interface ContainerOptions {
  readonly folder: AttemptFolder
  /** The environment that the agent made for a program of its own machine. */
  readonly env: Readonly<Record<string, string>>
  readonly image: { readonly id: string; readonly path: string | null }
  readonly owner: Owner
  /** Folders of the node that programs may read. */
  readonly shared: readonly string[]
  /** Who writes `log`: the program itself, or the engine for us to copy. */
  readonly log: 'program' | 'engine'
}

export interface Mount {
  readonly Type: 'bind'
  readonly Source: string
  readonly Target: string
  readonly ReadOnly: boolean
}

export interface ContainerSpec {
  readonly Image: string
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly Env: readonly string[]
  readonly User: string
  readonly WorkingDir: string
  readonly Labels: Readonly<Record<string, string>>
  readonly HostConfig: Readonly<Record<string, unknown>> & { readonly Mounts: readonly Mount[] }
}

export const labels = {
  job: 'hearth.job',
  attempt: 'hearth.attempt',
  /** The folder that all attempts of one node lie in: whose container this is. */
  node: 'hearth.node',
  folder: 'hearth.folder',
} as const

/** Its name is its identity: an engine has each name once, so an attempt has one container. */
export const containerName = ({ job, attempt, path }: AttemptFolder): string =>
  `hearth-${job}-${attempt}-${Bun.hash(path).toString(16).padStart(16, '0').slice(0, 8)}`

/**
 * Opens the log itself and becomes the program, so that the kernel appends every byte in order,
 * whatever becomes of the engine and of us. What the shell has to say goes to the engine's log.
 */
const intoLog = [
  'command -v "$1" >/dev/null || { echo "There is no program $1" >&2; exit 127; }',
  'exec "$@" >>"$0" 2>&1',
].join('\n')

/** The engine's own log, should it be needed: binary safe, and never cut. */
const engineLog = {
  Type: 'local',
  Config: { 'max-size': '1000000g', 'max-file': '1', compress: 'false' },
}

const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Data loaders of several processes share batches there; the engine's own 64 MiB are too few. */
const sharedMemoryBytes = 2 ** 30

export const containerSpec = (options: ContainerOptions): ContainerSpec => {
  const { folder, env, image, owner, shared, log } = options
  const { plan, gpus } = folder
  const files = attemptFiles(folder.path)
  const { memoryBytes, cpus, pids } = plan.limits ?? {}
  const [program = '', ...args] = plan.command
  const isWriter = log === 'program'
  return {
    Image: image.id,
    // The image's own entrypoint is not part of the plan.
    Entrypoint: isWriter ? ['/bin/sh', '-c', intoLog, files.log, program] : [program],
    Cmd: args,
    Env: Object.entries(environment(options, env)).map(([name, value]) => `${name}=${value}`),
    User: `${owner.uid}:${owner.gid}`,
    WorkingDir: files.work,
    Labels: {
      [labels.job]: folder.job,
      [labels.attempt]: String(folder.attempt),
      [labels.node]: dirname(folder.path),
      [labels.folder]: folder.path,
    },
    HostConfig: {
      Mounts: [
        // HEARTH_CONTROL appears in it. Its other files are closed to the program's user.
        mount(folder.path, { readOnly: true }),
        ...[files.work, files.home, files.tmp, files.events].map((path) => mount(path)),
        ...(isWriter ? [mount(files.log)] : []),
        mount(files.tmp, { target: '/tmp' }),
        ...shared.map((path) => mount(path, { readOnly: true })),
      ],
      ReadonlyRootfs: true,
      NetworkMode: plan.network === true ? 'bridge' : 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      // Passes signals on to the program, and buries what it leaves.
      Init: true,
      LogConfig: engineLog,
      RestartPolicy: { Name: 'no' },
      Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
      ShmSize: memoryBytes ?? sharedMemoryBytes,
      ...(memoryBytes !== undefined && { Memory: memoryBytes, MemorySwap: memoryBytes }),
      ...(cpus !== undefined && { NanoCpus: Math.round(cpus * 1e9) }),
      ...(pids !== undefined && { PidsLimit: pids }),
      ...(gpus.length > 0 && {
        DeviceRequests: [{ Driver: '', DeviceIDs: [...gpus], Capabilities: [['gpu']] }],
      }),
    },
  }
}

/** At the same place as on the node, so that paths mean the same to both. */
const mount = (
  path: string,
  { target = path, readOnly = false }: { target?: string; readOnly?: boolean } = {},
): Mount => ({ Type: 'bind', Source: path, Target: target, ReadOnly: readOnly })

const environment = (
  { folder, image }: ContainerOptions,
  given: Readonly<Record<string, string>>,
): Record<string, string> => {
  const { PATH, ...rest } = given
  const path = folder.plan.env?.['PATH'] ?? imagePath(image.path, PATH)
  return {
    // The init process signals the program's whole group, as a terminal would.
    TINI_KILL_PROCESS_GROUP: '1',
    ...rest,
    ...(folder.plan.env?.['TMPDIR'] === undefined && { TMPDIR: '/tmp' }),
    PATH: path,
  }
}

/** Where the image has its programs, after the folders that the agent puts before the system's. */
const imagePath = (ofImage: string | null, given = ''): string => {
  const added = given.split(':').filter((dir) => dir !== '' && !systemPath.includes(dir))
  return [...added, ofImage ?? systemPath.join(':')].join(':')
}
