/** Runs real Python for these tests: scikit-learn is what scores are checked against. */
import { join } from 'node:path'

const python =
  process.env.HEARTH_TEST_PYTHON ?? join(import.meta.dir, '../../../../.cache/test-venv/bin/python')

/** Runs `code`, which finds `input` as JSON in its standard input; answers what it prints. */
export const runPython = async (code: string, input: unknown, cwd?: string): Promise<string> => {
  const child = Bun.spawn([python, '-W', 'ignore', '-c', code], {
    stdin: new Blob([JSON.stringify(input)]),
    stdout: 'pipe',
    stderr: 'pipe',
    ...(cwd === undefined ? {} : { cwd }),
  })
  const [out, error, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  if (exitCode !== 0) throw new Error(error.slice(-4000))
  return out
}
