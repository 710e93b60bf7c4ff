/** The peer: AIDE ML from PyPI, its own agent and interpreter, asking the same scripted model. */
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { virtualEnvironment } from '../../scripts/services/python.ts'

const root = join(import.meta.dir, '../..')
const version = '0.2.2'

export interface AideRun {
  readonly seconds: number
  readonly inPrograms: number
  readonly metrics: readonly (number | null)[]
}

/** The Python that runs AIDE, and every program of both sides. */
export const installAide = async (): Promise<string> => {
  const python = await virtualEnvironment(
    join(root, '.cache/bench-experiments-venv'),
    join(import.meta.dir, 'requirements.txt'),
  )
  await must([python, '-m', 'pip', 'install', '--quiet', '--no-deps', `aideml==${version}`])
  return python
}

export const runAide = async (
  python: string,
  modelUrl: string,
  data: string,
  steps: number,
): Promise<AideRun> => {
  const script = join(import.meta.dir, 'aide_ladder.py')
  const printed = await must([python, script, data, String(steps)], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      OPENAI_BASE_URL: modelUrl,
      OPENAI_API_KEY: 'none',
    },
  })
  const figures = printed.split('\n').find((line) => line.startsWith('{'))
  return JSON.parse(figures ?? '') as AideRun
}
