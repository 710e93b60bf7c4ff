/** One Python that has done its imports and waits in a sandbox of its own to be forked. */
import { chownSync, closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BubblewrapHost } from '../sandbox/host.ts'
import { above, interpreters, readable, system } from '../sandbox/system-view.ts'

export interface ZygoteRequest {
  /** As programs name it, found. */
  readonly python: string
  /** What it imports; what is not installed is left out. */
  readonly modules: readonly string[]
  /** Set before the imports. */
  readonly env: Readonly<Record<string, string>>
  /** The folder in which the folders of attempts lie. */
  readonly attempts: string
  readonly shared: readonly string[]
}

export interface ZygotePlace {
  /** Its own: the socket and its errors. */
  readonly folder: string
  /** `warm_zygote.py` and what it needs. */
  readonly scripts: string
  readonly host: BubblewrapHost & { readonly owner: number; readonly setpriv: string }
}

/** Imports may read half a gigabyte from a slow disk. */
const readyWithinMs = 20_000

/** Inside: where its socket is, and where it sees its processes (`mount_too_revealing`). */
const inside = { socket: '/warm', processes: '/processes' } as const

export class Zygote {
  readonly socket: string
  /** Whether it can be asked; false when it ended or took too long. */
  readonly ready: Promise<boolean>
  readonly #process: ReturnType<typeof spawn>
  readonly #folder: string

  constructor(request: ZygoteRequest, place: ZygotePlace) {
    this.#folder = place.folder
    this.socket = join(place.folder, 'socket')
    mkdirSync(place.folder, { recursive: true, mode: 0o700 })
    chownSync(place.folder, place.host.owner, place.host.owner)
    this.#process = spawn(sandboxed(request, place), request.env, place.folder)
    // It must not hold this process back; it ends when its standard input does.
    this.#process.unref()
    this.ready = this.#becomesReady()
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** Takes no more; what was forked runs to its end. */
  end(): void {
    void this.#process.stdin.end()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #becomesReady(): Promise<boolean> {
    const reader = this.#process.stdout.getReader()
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), readyWithinMs)
    const { done } = await reader.read()
    clearTimeout(timer)
    return !done
  }
}

const spawn = (command: string[], env: ZygoteRequest['env'], folder: string) => {
  const errors = openSync(join(folder, 'errors'), 'a', 0o600)
  try {
    return Bun.spawn(command, {
      cwd: '/',
      env: { ...env },
      stdio: ['pipe', 'pipe', errors],
      detached: true,
    })
  } finally {
    closeSync(errors)
  }
}

/** Its first process keeps one right, to mount its view of processes, and then gives up all. */
const rights = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SYS_ADMIN']

const sandboxed = (request: ZygoteRequest, { folder, scripts, host }: ZygotePlace): string[] => [
  host.path,
  ...['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-net', '--unshare-cgroup-try'],
  ...['--new-session', '--hostname', 'hearth', '--cap-drop', 'ALL'],
  ...rights.flatMap((right) => ['--cap-add', right]),
  ...system(false),
  ...['--proc', '/proc', '--dev', '/dev'],
  ...['/dev/shm', '/tmp', '/var/tmp'].flatMap((path) => ['--perms', '1777', '--tmpfs', path]),
  ...['--perms', '0755', '--dir', inside.processes],
  ...[...request.shared, ...interpreters(request.env, request.shared), scripts].flatMap(readable),
  ...above(join(request.attempts, 'any')),
  ...['--bind', folder, inside.socket, '--remount-ro', '/', '--'],
  ...['/bin/sh', '-c', `mount -t proc proc ${inside.processes} && exec "$@"`, 'sh'],
  ...[host.setpriv, `--reuid=${host.owner}`, `--regid=${host.owner}`, '--clear-groups'],
  ...['--inh-caps=-all', '--bounding-set=-all', '--'],
  ...[request.python, join(scripts, 'warm_zygote.py')],
  ...[`${inside.socket}/socket`, inside.processes, ...request.modules],
]
