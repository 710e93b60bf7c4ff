/** Has the kernel end this process when the one that began it is gone, however that came about. */
import { dlopen } from 'bun:ffi'

const PR_SET_PDEATHSIG = 1
const SIGKILL = 9n

/** Does nothing where the C library is another one. */
export const dieWithParent = (): void => {
  const parent = process.ppid
  try {
    const { prctl } = dlopen('libc.so.6', {
      prctl: { args: ['i32', 'u64', 'u64', 'u64', 'u64'], returns: 'i32' },
    }).symbols
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0n, 0n, 0n)
  } catch {
    return
  }
  // It may have gone before it was asked for.
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}
