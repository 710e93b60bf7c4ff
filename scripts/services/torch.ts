/** Keeps a second virtual environment, with torch: a gigabyte that few tests need. */
import { join } from 'node:path'
import { virtualEnvironment } from './python.ts'
import { found, type Service } from './service.ts'

const root = join(import.meta.dir, '../..')

export const torch = async (): Promise<Service> => {
  const path = await virtualEnvironment(
    join(root, '.cache/torch-venv'),
    join(root, 'test/python/torch-requirements.txt'),
  )
  return found('torch', `environment ${path}`, { HEARTH_TEST_TORCH_PYTHON: path })
}
