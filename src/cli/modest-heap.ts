/** Keeps the server's memory small: the engine is told to grow its heap as on a small machine. */
import { ownProgram } from '../../runners/own-program.ts'

/**
 * JavaScriptCore lets its heap double between two collections as long as the machine has memory to
 * spare. Under a heavy load of metrics that costs as much again as what is in use; told of a small
 * machine it collects more often, which was not to be seen in what it could take in. Told of less
 * than this it collects all the time, once all plugins are there: a request took twice the work.
 */
const option = 'BUN_JSC_forceRAMSize'
const pretendedBytes = 256 * 2 ** 20

/** `exec` in place of this process: same pid, same streams. Returns when it need not be done. */
export const useModestHeap = (argv: readonly string[]): void => {
  const { execve, env } = process
  // The engine reads its options before the program begins, so the program begins once more.
  if (env[option] !== undefined || execve === undefined) return
  const [program = process.execPath, ...rest] = ownProgram().filter((arg) => arg !== '--smol')
  const settings = { ...env, [option]: String(pretendedBytes) }
  execve.call(process, program, [program, ...rest, ...argv], settings)
}
