/** Keeps a virtual environment with OpenEnv's own client, whose versions suit nobody else. */
import { join } from 'node:path'
import { virtualEnvironment } from './python.ts'
import { found, type Service } from './service.ts'

const root = join(import.meta.dir, '../..')

export const openEnv = async (): Promise<Service> => {
  const path = await virtualEnvironment(
    join(root, '.cache/openenv-venv'),
    join(root, 'test/python/openenv-requirements.txt'),
    // The list is whole but for a web page's hundreds of megabytes.
    ['--no-deps'],
  )
  return found('OpenEnv', `environment ${path}`, { HEARTH_TEST_OPENENV_PYTHON: path })
}
