/** Proves what this host can hold a program to, by running small programs that try to break out. */
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attemptFiles } from '../attempt-files.ts'
import { readStat } from '../process/proc.ts'
import { bubblewrap, nobody } from './bubblewrap.ts'
import { makeCgroup } from './cgroup.ts'
import { type Controller, controllers, findHierarchies, type Hierarchy } from './cgroup-host.ts'
import type { BubblewrapHost, Host } from './host.ts'

export const probeHost = async (): Promise<Host> => {
  if (process.platform !== 'linux') {
    const reason = 'local processes are watched by means of Linux'
    return {
      hierarchies: [],
      limits: [],
      bubblewrap: null,
      missing: { none: reason, cgroup: reason, bwrap: reason },
    }
  }
  const hierarchies = findHierarchies()
  removeAbandoned(hierarchies)
  const [limits, wrapped] = await Promise.all([provenLimits(hierarchies), bubblewrapHere()])
  const unproven = controllers.filter((name) => !limits.includes(name))
  return {
    hierarchies,
    limits,
    bubblewrap: typeof wrapped === 'string' ? null : wrapped,
    missing: {
      ...(unproven.length === 0 ? {} : { cgroup: noCgroup(unproven) }),
      ...(typeof wrapped === 'string' ? { bwrap: wrapped } : {}),
    },
  }
}

/** A process that was killed while it probed has left its groups. */
const removeAbandoned = (hierarchies: readonly Hierarchy[]): void => {
  for (const { base } of hierarchies) {
    for (const name of readdirSync(base)) {
      const pid = /^hearth-probe-(\d+)/.exec(name)?.[1]
      if (pid === undefined || readStat(Number(pid)) !== null) continue
      try {
        rmdirSync(join(base, name))
      } catch {
        // Another process was faster.
      }
    }
  }
}

const noCgroup = (names: readonly string[]): string =>
  `no control group of ${names.join(', ')} that this user may write to ` +
  '(systemd: `systemd-run --user --scope -p Delegate=yes hearth agent`, or Delegate=yes)'

/** Each must be told no in a group that forbids what it does. */
const breakouts: Readonly<Record<Controller, { limit: object; script: string }>> = {
  // `tail` keeps a line without an end in memory, here twice as much as it may have.
  memory: { limit: { memoryBytes: 16 << 20 }, script: 'head -c 33554432 /dev/zero | tail -n 1' },
  pids: { limit: { pids: 2 }, script: 'true | true | true | true' },
  cpu: { limit: { cpus: 0.05 }, script: 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done' },
}

const provenLimits = async (hierarchies: readonly Hierarchy[]): Promise<Controller[]> => {
  const offered = controllers.filter((name) =>
    hierarchies.some((hierarchy) => hierarchy.controllers.includes(name)),
  )
  const proven = await Promise.all(offered.map((name) => holds(hierarchies, name)))
  return offered.filter((_, index) => proven[index])
}

const holds = async (
  hierarchies: readonly Hierarchy[],
  controller: Controller,
): Promise<boolean> => {
  const hierarchy = hierarchies.find((one) => one.controllers.includes(controller))
  if (!hierarchy) return false
  const { limit, script } = breakouts[controller]
  const name = `hearth-probe-${process.pid}-${controller}`
  try {
    const cgroup = makeCgroup({ name, hierarchies: [hierarchy], limits: limit })
    try {
      const child = Bun.spawn(['/bin/sh', '-c', `set -o errexit; ${script}`], {
        cgroup: cgroup.folders[0] ?? '',
        stdio: ['ignore', 'ignore', 'ignore'],
        env: { PATH: '/usr/bin:/bin' },
        timeout: 5000,
        killSignal: 'SIGKILL',
      })
      if (controller === 'cpu') {
        const throttled = await untilThrottled(hierarchy, name, child)
        child.kill('SIGKILL')
        await child.exited
        return throttled
      }
      const code = await child.exited
      return controller === 'memory' ? cgroup.oomKills() > 0 : code !== 0
    } finally {
      await cgroup.remove()
    }
  } catch {
    return false
  }
}

const untilThrottled = async (
  { base }: Hierarchy,
  name: string,
  child: Bun.Subprocess,
): Promise<boolean> => {
  const stat = Bun.file(join(base, name, 'cpu.stat'))
  for (;;) {
    const times = Number(/^nr_throttled (\d+)/m.exec(await stat.text())?.[1] ?? 0)
    if (times > 0) return true
    if (child.exitCode !== null) return false
    await Bun.sleep(10)
  }
}

/** What the program inside must find: nobody's rights, no network, nothing to write but its own. */
const inside = [
  '[ "$(id -u)" = 65534 ] || exit 11',
  'echo x > file || exit 12',
  'echo x >> "$HEARTH_EVENTS" || exit 13',
  '! (echo x > /usr/hearth-probe) 2>/dev/null || exit 14',
  '! (echo x > ../spec.json) 2>/dev/null || exit 15',
  '[ "$(ls /sys/class/net /proc/sys/net/ipv4/conf 2>/dev/null | grep -c eth)" = 0 ] || exit 16',
  '[ ! -e "$HIDDEN" ] || exit 17',
  'exit 42',
].join('; ')

/** Where the tools are, one failure may be a busy machine. */
const bubblewrapHere = async (): Promise<BubblewrapHost | string> => {
  const tools = findTools()
  if (typeof tools === 'string') return tools
  const first = await proveBubblewrap(tools)
  return typeof first === 'string' ? proveBubblewrap(tools) : first
}

/** Why they cannot be used, or all that it takes to be held. */
const findTools = (): BubblewrapHost | string => {
  const path = Bun.which('bwrap')
  if (!path) return 'bwrap is not installed (Debian: apt-get install bubblewrap)'
  const root = process.getuid?.() === 0
  const setpriv = Bun.which('setpriv')
  if (root && !setpriv) return 'setpriv is not installed (Debian: apt-get install util-linux)'
  return { path, owner: root ? nobody : null, setpriv }
}

const proveBubblewrap = async (host: BubblewrapHost): Promise<BubblewrapHost | string> => {
  const base = mkdtempSync(join(tmpdir(), 'hearth-probe-'))
  try {
    const folder = join(base, 'attempt')
    const files = attemptFiles(folder)
    for (const path of [files.work, files.home]) mkdirSync(path, { recursive: true })
    for (const file of [files.events, files.spec, join(base, 'hidden')]) writeFileSync(file, '')
    if (host.owner !== null) {
      for (const file of [files.work, files.events]) chownSync(file, host.owner, host.owner)
    }
    const env = { PATH: '/usr/bin:/bin', HEARTH_EVENTS: files.events, HIDDEN: join(base, 'hidden') }
    const command = ['/bin/sh', '-c', inside]
    const child = Bun.spawn(
      bubblewrap({
        folder: { path: folder, job: 'probe', attempt: 1, plan: { command }, gpus: [] },
        env,
        shared: [],
        host,
      }),
      { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: 10_000, killSignal: 'SIGKILL' },
    )
    const code = await child.exited
    if (code === 42) return host
    const said = (await child.stderr.text()).trim()
    return said || `a program in bwrap was not held (step ${code})`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}
