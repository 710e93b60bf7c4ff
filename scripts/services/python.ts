/** Keeps a virtual environment with the Python packages that tests and benchmarks need. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { must, run } from '../command.ts'
import { say } from '../say.ts'
import { aptInstall } from './apt.ts'
import { found, type Service } from './service.ts'

const root = join(import.meta.dir, '../..')

export const python = async (): Promise<Service> => {
  const path = await virtualEnvironment(
    join(root, '.cache/test-venv'),
    join(root, 'test/python/requirements.txt'),
  )
  return found('Python', `environment ${path}`, { HEARTH_TEST_PYTHON: path })
}

/** Answers the interpreter of `folder`, made anew whenever `requirements` changed. */
export const virtualEnvironment = async (
  folder: string,
  requirements: string,
  options: readonly string[] = [],
): Promise<string> => {
  const interpreter = join(folder, 'bin/python')
  const stamp = Bun.file(join(folder, 'requirements.sha256'))
  const wanted = new Bun.CryptoHasher('sha256')
    .update(await Bun.file(requirements).bytes())
    .digest('hex')
  if ((await stamp.exists()) && (await stamp.text()) === wanted) return interpreter
  say(`  pip install -r ${requirements}`)
  await rm(folder, { recursive: true, force: true })
  if (!(await makes(folder))) {
    await aptInstall('python3', 'python3-venv')
    await must(['python3', '-m', 'venv', folder])
  }
  await must([interpreter, '-m', 'pip', 'install', '--quiet', ...options, '-r', requirements])
  await Bun.write(stamp, wanted)
  return interpreter
}

const makes = async (folder: string): Promise<boolean> =>
  Bun.which('python3') !== null && (await run(['python3', '-m', 'venv', folder])).exitCode === 0
