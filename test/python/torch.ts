/** The interpreter that has torch: what `bun run test` made, or made before. */
import { join } from 'node:path'

export const torchPython =
  process.env['HEARTH_TEST_TORCH_PYTHON'] ??
  join(import.meta.dir, '../../.cache/torch-venv/bin/python')
