/** Keeps warm Pythons for the programs that ask for one, and has launches begin in them. */
import { createHash } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { attemptFiles } from '../attempt-files.ts'
import type { AttemptFolder } from '../executor.ts'
import { warmScripts } from '../python/program-path.ts'
import type { Host } from '../sandbox/host.ts'
import { isObeyedByLoader } from '../sandbox/loader-env.ts'
import type { Launch } from '../shim/launch.ts'
import { Zygote, type ZygotePlace, type ZygoteRequest } from './zygote.ts'

/** Each holds its imports in memory. */
const atMost = 3

/** One that could not begin is not tried again for a while. */
const failedForMs = 300_000

/** What begins the programs, from outside of all sandboxes: never the Python of a job. */
const clientPath = '/usr/local/bin:/usr/bin:/bin'

interface Kept {
  readonly zygote: Zygote
  failedAtMs: number | null
}

export class WarmPythons {
  readonly #folder: string
  readonly #shared: readonly string[]
  /** The one used last is last. */
  readonly #kept = new Map<string, Kept>()
  #count = 0

  /** `stateDir` is this node's alone; `shared` are the folders that programs may read. */
  constructor(stateDir: string, shared: readonly string[]) {
    this.#folder = join(stateDir, 'warm')
    this.#shared = shared
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** The launch as it is to be: begun warm where that can be, else as it came. */
  async warmed(
    folder: AttemptFolder,
    env: Readonly<Record<string, string>>,
    launch: Launch,
    host: Host,
  ): Promise<Launch> {
    const python = pythonOf(folder, env)
    const means = meansOf(host)
    if (!python || 'missing' in means) return launch
    const { client, drops } = means
    const modules = folder.plan.warmImports ?? []
    const attempts = dirname(folder.path)
    const request = { python, modules, env: beforeImports(env), attempts, shared: this.#shared }
    const scripts = await warmScripts(dirname(this.#folder))
    const zygote = await this.#zygote(request, { scripts, host: drops })
    if (!zygote) return launch
    return throughClient([client, '-I', '-S', join(scripts, 'warm_client.py')], launch, {
      socket: zygote.socket,
      args: folder.plan.command.slice(1),
      env,
      attempts,
      readable: this.#shared.filter(isUnderTmp),
      ...writableOf(folder),
    })
  }

  async #zygote(
    request: ZygoteRequest,
    place: Omit<ZygotePlace, 'folder'>,
  ): Promise<Zygote | null> {
    const key = createHash('sha256').update(JSON.stringify(request)).digest('hex')
    let kept = this.#kept.get(key)
    if (kept?.failedAtMs != null && performance.now() - kept.failedAtMs < failedForMs) return null
    if (!kept?.zygote.isAlive) {
      kept?.zygote.end()
      const folder = join(this.#folder, String(++this.#count))
      kept = { zygote: new Zygote(request, { ...place, folder }), failedAtMs: null }
    }
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    this.#endOldest()
    if (await kept.zygote.ready) return kept.zygote
    kept.failedAtMs = performance.now()
    return null
  }

  #endOldest(): void {
    for (const [key, { zygote }] of this.#kept) {
      if (this.#kept.size <= atMost) return
      this.#kept.delete(key)
      zygote.end()
    }
  }
}

/** What this host needs for it, or what is missing. */
const meansOf = (host: Host) => {
  const client = Bun.which('python3', { PATH: clientPath })
  const { owner = null, setpriv = null, path = '' } = host.bubblewrap ?? {}
  if (host.bubblewrap === null) return { missing: 'the sandbox bwrap is not to be had' }
  if (owner === null || setpriv === null)
    return { missing: 'only root can bring folders into a sandbox that has begun' }
  // Who watches a program has the group's word on what it uses, and on whether it has ended.
  if (!host.hierarchies.some(({ version }) => version === 2))
    return { missing: 'no control group of version 2 is ours' }
  if (client === null)
    return { missing: 'python3 is not installed (Debian: apt-get install python3)' }
  return { client, drops: { path, owner, setpriv } }
}

/** Why this host starts every Python cold; null: it need not. */
export const whyCold = (host: Host): string | null => {
  const means = meansOf(host)
  return 'missing' in means ? (means.missing ?? null) : null
}

/** The interpreter of a plan that asks for a warm one and leaves nothing to a cold one. */
const pythonOf = (
  { plan, gpus }: AttemptFolder,
  env: Readonly<Record<string, string>>,
): string | null => {
  const [name = ''] = plan.command
  const isPython = /^python(3(\.\d+)?)?$/.test(basename(name))
  if (!plan.warmImports || plan.sandbox !== 'bwrap' || plan.network || gpus.length > 0) return null
  if (!isPython || Object.keys(env).some(isObeyedByLoader)) return null
  if (name.includes('/')) return name.startsWith('/') ? name : null
  return Bun.which(name, { PATH: env['PATH'] ?? '' })
}

/** Each program has a `/tmp` of its own: what is shared from there is brought to it. */
const isUnderTmp = (path: string): boolean =>
  (path.startsWith('/tmp/') || path.startsWith('/var/tmp/')) && existsSync(path)

/** What interpreters and number libraries read once, at their start. */
const readAtStart =
  /^(PATH$|LANG$|LC_|TZ$|PYTHON|OMP_|MKL_|OPENBLAS_|BLIS_|NUMEXPR_|LOKY_|MPL|KMP_)/

const beforeImports = (env: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env)
      .filter(([name]) => readAtStart.test(name) && name !== 'PYTHONPATH')
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )

const writableOf = ({ path, plan }: AttemptFolder) => {
  const { work, home, events } = attemptFiles(path)
  return {
    attempt: path,
    cwd: work,
    writable: [work, home, events],
    scratchBytes: plan.limits?.diskBytes ?? null,
  }
}

/** The client stands for the program; when no program was begun it becomes the cold launch. */
const throughClient = (client: string[], launch: Launch, request: object): Launch => ({
  ...launch,
  command: client,
  env: { PATH: launch.env['PATH'] ?? '' },
  input: JSON.stringify({
    ...request,
    cgroups: launch.cgroup?.hierarchies.map(({ base }) => join(base, launch.cgroup?.name ?? '')),
    cold: { command: launch.command, env: launch.env },
  }),
})
