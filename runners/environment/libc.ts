/** What talking to a child without an event loop takes, and the runtime does not offer. */
import { dlopen, ptr } from 'bun:ffi'

const names = { linux: 'libc.so.6', darwin: 'libSystem.B.dylib' } as const

const open = () =>
  dlopen(names[process.platform === 'darwin' ? 'darwin' : 'linux'], {
    pipe: { args: ['ptr'], returns: 'i32' },
    fcntl: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
    poll: { args: ['ptr', 'u32', 'i32'], returns: 'i32' },
    waitid: { args: ['i32', 'u32', 'ptr', 'i32'], returns: 'i32' },
  }).symbols

let symbols: ReturnType<typeof open> | undefined
const libc = () => (symbols ??= open())

const F_SETFD = 2
const FD_CLOEXEC = 1

export interface Pipe {
  readonly readEnd: number
  readonly writeEnd: number
}

/** Neither end is left to children that are not handed it: a child's end must close with it. */
export const openPipe = (): Pipe => {
  const ends = new Int32Array(2)
  const { pipe, fcntl } = libc()
  if (pipe(ptr(ends)) !== 0) throw new Error('No pipe can be opened')
  const [readEnd, writeEnd] = ends as unknown as [number, number]
  for (const end of [readEnd, writeEnd]) fcntl(end, F_SETFD, FD_CLOEXEC)
  return { readEnd, writeEnd }
}

const POLLIN = 1

/** Waits, asleep, until there is something to be read or its writer is gone. */
export const isReadable = (descriptor: number, timeoutMs: number): boolean => {
  const wanted = new Int32Array([descriptor, POLLIN])
  const end = Date.now() + timeoutMs
  for (;;) {
    const left = Math.max(0, end - Date.now())
    const found = libc().poll(ptr(wanted), 1, left)
    if (found !== 0 && found !== -1) return true
    if (left === 0) return false
  }
}

const P_PID = 1
const WEXITED = 4
const WNOWAIT = process.platform === 'darwin' ? 0x20 : 0x0100_0000
const CLD_EXITED = 1

/** How a child ended, once it has; the runtime hears of it all the same. Null: nobody knows. */
export const endOf = (pid: number): { code: number } | { signal: number } | null => {
  const info = new Int32Array(32)
  if (libc().waitid(P_PID, pid, ptr(info), WEXITED | WNOWAIT) !== 0) return null
  // siginfo_t: signo, errno, code, then pid, uid and status, after a gap where longs have 8 bytes.
  const [code, status] = process.platform === 'darwin' ? [info[2], info[5]] : [info[2], info[6]]
  return code === CLD_EXITED ? { code: status ?? 0 } : { signal: status ?? 0 }
}
