/** A lock between processes that the operating system frees when its holder dies, however. */
import { dlopen, FFIType } from 'bun:ffi'
import { closeSync, fstatSync, openSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export interface FileLock extends Disposable {
  readonly path: string
}

const exclusive = 2
const nonBlocking = 4
const firstPauseMs = 20
const longestPauseMs = 500

const open = () => {
  const name = process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6'
  const flock = { flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 } } as const
  try {
    return dlopen(name, flock).symbols
  } catch {
    // Another C library, musl for one.
    return dlopen('libc.so', flock).symbols
  }
}
let library: ReturnType<typeof open> | undefined

/** The lock, or null when another holds it: another process, or another part of this one. */
export const tryLock = (path: string): FileLock | null => {
  library ??= open()
  for (;;) {
    const fd = openSync(path, 'a', 0o600)
    if (library.flock(fd, exclusive | nonBlocking) !== 0) {
      closeSync(fd)
      return null
    }
    // Who held it may have removed the file meanwhile: then this is a lock on nothing.
    if (isSame(fd, path)) return { path, [Symbol.dispose]: () => closeSync(fd) }
    closeSync(fd)
  }
}

const isSame = (fd: number, path: string): boolean => {
  try {
    return fstatSync(fd).ino === statSync(path).ino
  } catch {
    return false
  }
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined
  /** Called once when the lock is not free. */
  onWait?(): void
}

export const lockFile = async (path: string, options: LockOptions = {}): Promise<FileLock> => {
  let pauseMs = firstPauseMs
  for (;;) {
    options.signal?.throwIfAborted()
    const lock = tryLock(path)
    if (lock) return lock
    if (pauseMs === firstPauseMs) options.onWait?.()
    await sleep(pauseMs, undefined, options.signal && { signal: options.signal })
    pauseMs = Math.min(longestPauseMs, pauseMs * 2)
  }
}
