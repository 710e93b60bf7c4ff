/** Turns a plan into what a shim is to run at the level demanded, or says why this host cannot. */
import { createHash } from 'node:crypto'
import type { SandboxLevel } from '../../src/jobs/protocol.ts'
import { type AttemptFiles, attemptFiles } from '../attempt-files.ts'
import type { AttemptFolder } from '../executor.ts'
import type { Launch } from '../shim/launch.ts'
import { bubblewrap } from './bubblewrap.ts'
import type { CgroupPlan } from './cgroup.ts'
import { gpuDevices } from './gpu-devices.ts'
import type { Host } from './host.ts'
import { wrapperEnv } from './loader-env.ts'

const defaultGraceMs = 30_000
const defaultPath = '/usr/local/bin:/usr/bin:/bin'

export interface Arranged {
  readonly launch: Launch
  /** The program's whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** The user that the program's own folders must belong to. */
  readonly owner: number | null
}

export const arrange = (
  folder: AttemptFolder,
  given: Readonly<Record<string, string>>,
  host: Host,
  shared: readonly string[],
): Arranged | { readonly refused: string } => {
  const level: SandboxLevel = folder.plan.sandbox ?? 'none'
  const limits = folder.plan.limits ?? {}
  const refused = whyNot(folder, level, host)
  if (refused) return { refused }
  const files = attemptFiles(folder.path)
  const env = environment(files, given, level)
  const sandboxed = level === 'bwrap' && host.bubblewrap
  const command = folder.plan.command
  return {
    owner: sandboxed ? sandboxed.owner : null,
    env,
    launch: {
      name: command[0] ?? '',
      command: sandboxed ? bubblewrap({ folder, env, shared, host: sandboxed }) : command,
      env: sandboxed ? wrapperEnv(env) : env,
      cwd: files.work,
      graceMs: folder.plan.graceMs ?? defaultGraceMs,
      limits,
      disk: [files.work, files.home, files.tmp],
      cgroup: cgroupPlan(folder, host),
      program: sandboxed ? 'inner' : 'command',
    },
  }
}

/** Joining takes milliseconds each: only what limits, measures memory, or ends all at a stroke. */
const cgroupPlan = (folder: AttemptFolder, { hierarchies }: Host): CgroupPlan | null => {
  const demanded = limitControllers.filter(([limit]) => folder.plan.limits?.[limit] !== undefined)
  const wanted = hierarchies.filter(
    ({ version, controllers }) =>
      version === 2 ||
      controllers.includes('memory') ||
      demanded.some(([, controller]) => controllers.includes(controller)),
  )
  if (wanted.length === 0) return null
  const limits = Object.fromEntries(
    demanded.map(([limit]) => [limit, folder.plan.limits?.[limit]]),
  ) as CgroupPlan['limits']
  return { name: groupName(folder), hierarchies: wanted, limits }
}

const whyNot = (folder: AttemptFolder, level: SandboxLevel, host: Host): string | null => {
  const { limits = {}, network, image } = folder.plan
  const unknown = level === 'bwrap' ? unknownGpu(folder.gpus) : null
  if (image !== undefined) return 'The plan names a container image: only Docker runs those'
  if (level === 'docker') return 'The level docker is another executor’s'
  const missing = host.missing[level]
  if (missing) return `The sandbox ${level} is not to be had here: ${missing}`
  if (level !== 'bwrap' && network === false)
    return `The plan forbids the network, which the sandbox ${level} cannot: ask for bwrap`
  if (unknown) return unknown
  for (const [limit, controller] of limitControllers) {
    if (limits[limit] !== undefined && !host.limits.includes(controller))
      return `The limit ${limit} cannot be kept here: no control group of ${controller} is ours`
  }
  return null
}

const unknownGpu = (uuids: readonly string[]): string | null => {
  try {
    gpuDevices(uuids)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const limitControllers = [
  ['memoryBytes', 'memory'],
  ['cpus', 'cpu'],
  ['pids', 'pids'],
] as const

/** One name per folder, whatever other nodes of the same host run. */
const groupName = ({ job, attempt, path }: AttemptFolder): string => {
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 8)
  return `hearth-${job}-${attempt}-${digest}`
}

const environment = (
  { home, tmp, events, control }: AttemptFiles,
  given: Readonly<Record<string, string>>,
  level: SandboxLevel,
): Record<string, string> => ({
  PATH: defaultPath,
  LANG: 'C.UTF-8',
  HOME: home,
  TMPDIR: tmp,
  ...given,
  ...(level === 'bwrap' ? { TMPDIR: '/tmp' } : {}),
  HEARTH_EVENTS: events,
  HEARTH_CONTROL: control,
})
