/** Runs the Python that has the reference libraries, for tests that compare with them. */
import { test } from 'bun:test'

const python = process.env['HEARTH_TEST_PYTHON']

/** A test that needs the Python which `bun run test` provisions; says so where it is missing. */
export const testWithPython = (name: string, work: () => Promise<void>): void => {
  if (python) test(name, work, 60_000)
  else test.skip(`${name} (HEARTH_TEST_PYTHON names no Python with the reference libraries)`, work)
}

/** What the program prints; throws with what it complained about when it fails. */
export const runPython = async (program: string, args: readonly string[]): Promise<string> => {
  const child = Bun.spawn([python ?? 'python3', '-c', program, ...args], {
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [output, complaint, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  if (exitCode !== 0) throw new Error(complaint)
  return output
}
