/**
 * Files of simulated hosts: real ones, but read and written at once instead of by a pool of
 * threads, so that the order of everything follows from the seed; and a process may be killed
 * before any of its calls. Must be imported before anything that imports `node:fs/promises`.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { Readable } from 'node:stream'
import type { PathLike, Stats } from 'node:fs'
import { type Life, never, stirred } from './life.ts'

const load = createRequire(import.meta.url)
const sync = { ...(load('node:fs') as typeof import('node:fs')) }
const promises = load('node:fs/promises') as Record<string, unknown>

const hosts = new Map<string, () => Life>()

/** Calls on files under `root` are made by whatever process lives there at the time. */
export const adoptFiles = (root: string, life: () => Life): void => {
  hosts.set(root, life)
}

export const forgetFiles = (): void => hosts.clear()

/** At once, without being seen: for what watches from outside. */
export const outside = sync

const mayAct = (path: string): boolean => {
  stirred()
  for (const [root, life] of hosts) if (path.startsWith(root)) return life().acts()
  return true
}

const guarded = <T>(path: PathLike, work: () => T): Promise<T> => {
  if (!mayAct(String(path))) return never
  try {
    return Promise.resolve(work())
  } catch (error) {
    return Promise.reject(error)
  }
}

class Handle {
  readonly fd: number
  readonly #path: string
  constructor(fd: number, path: string) {
    this.fd = fd
    this.#path = path
  }
  read(buffer: Uint8Array, offset: number, length: number, position: number | null) {
    return guarded(this.#path, () => ({
      bytesRead: sync.readSync(this.fd, buffer, offset, length, position),
    }))
  }
  write(bytes: Uint8Array, offset = 0, length = bytes.length - offset, position?: number) {
    return guarded(this.#path, () => ({
      bytesWritten: sync.writeSync(this.fd, bytes, offset, length, position ?? null),
    }))
  }
  writeFile(data: string | Uint8Array) {
    return guarded(this.#path, () => sync.writeFileSync(this.fd, data))
  }
  stat(options?: { bigint?: boolean }) {
    return guarded(this.#path, () => sync.fstatSync(this.fd, options as object) as Stats)
  }
  chmod(mode: number) {
    return guarded(this.#path, () => sync.fchmodSync(this.fd, mode))
  }
  truncate(size = 0) {
    return guarded(this.#path, () => sync.ftruncateSync(this.fd, size))
  }
  /** Nothing here survives the simulation anyway. */
  sync() {
    return guarded(this.#path, () => undefined)
  }
  close() {
    return guarded(this.#path, () => sync.closeSync(this.fd))
  }
  [Symbol.asyncDispose]() {
    return this.close()
  }
}

const byPath = [
  'access',
  'appendFile',
  'chmod',
  'link',
  'lstat',
  'mkdir',
  'readFile',
  'readdir',
  'readlink',
  'realpath',
  'rename',
  'rm',
  'rmdir',
  'stat',
  'symlink',
  'truncate',
  'unlink',
  'utimes',
  'writeFile',
] as const

for (const name of byPath) {
  const call = sync[`${name}Sync`] as (path: PathLike, ...rest: unknown[]) => unknown
  promises[name] = (path: PathLike, ...rest: unknown[]) => guarded(path, () => call(path, ...rest))
}
promises.open = (path: string, flags: string | number = 'r', mode = 0o666) =>
  guarded(path, () => new Handle(sync.openSync(path, flags, mode), path))

const streams = load('node:fs') as Record<string, unknown>
streams.createReadStream = (path: string) => {
  stirred()
  return Readable.from(sync.existsSync(path) ? [sync.readFileSync(path)] : [])
}
syncBuiltinESMExports()

const fileAt = (path: string) => ({
  text: () => guarded(path, () => sync.readFileSync(path, 'utf8')),
  exists: () => guarded(path, () => sync.existsSync(path)),
  stream: () => new Blob([sync.readFileSync(path)]).stream(),
})
Object.defineProperty(Bun, 'file', { value: fileAt })
Object.defineProperty(Bun, 'write', {
  value: (path: string, data: string | Uint8Array) =>
    guarded(path, () => sync.writeFileSync(path, data)),
})
