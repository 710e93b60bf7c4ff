/** The plan of a step holds the program to what its experiment allows, and no more than that. */
import { expect, test } from 'bun:test'
import { stepLimits, stepPlan } from '../../../../plugins/experiments/execution/plan.ts'
import { requestOf } from './rig.ts'

const file = (name: string) => ({ sha256: name.repeat(64), sizeBytes: 1 })

const parts = {
  python: null,
  requirements: ['numpy==2.4.6'],
  warmImports: ['numpy'],
  limits: stepLimits,
  inputs: [{ path: 'train.csv', ...file('a') }],
  program: file('b'),
  keep: file('c'),
}

test('a plan names program, data, packages, limits and needs', () => {
  const more = { cpus: 2.5, gpus: 1, memoryBytes: 2 ** 30, env: { HEARTH_SEED: '7' } }
  expect(stepPlan(requestOf('', more), parts)).toEqual({
    command: ['python', '-m', 'hearth_step', 'solution.py'],
    env: {
      OMP_NUM_THREADS: '2',
      OPENBLAS_NUM_THREADS: '2',
      MKL_NUM_THREADS: '2',
      LOKY_MAX_CPU_COUNT: '2',
      MPLBACKEND: 'Agg',
      PYTHONUNBUFFERED: '1',
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONHASHSEED: '0',
      HEARTH_SEED: '7',
    },
    files: [
      { path: 'solution.py', ...file('b') },
      { path: 'working/.keep', ...file('c') },
      { path: 'input/train.csv', ...file('a') },
    ],
    outputs: ['working'],
    python: { requirements: ['numpy==2.4.6'] },
    warmImports: ['numpy'],
    sandbox: 'bwrap',
    limits: { wallMs: 60_000, memoryBytes: 2 ** 30, ...stepLimits },
    needs: { cpus: 2.5, gpus: 1, memoryBytes: 2 ** 30 },
    graceMs: 1_000,
  })
})

test('to begin cold is to name no modules', () => {
  const plan = stepPlan(requestOf(''), { ...parts, warmImports: null })
  expect(plan).not.toContainKey('warmImports')
})

test('without a sandbox only time and output are limited', () => {
  const { limits } = stepPlan(requestOf('', { sandbox: 'none' }), parts)
  expect(limits).toEqual({ wallMs: 60_000, logBytes: stepLimits.logBytes })
})

test('an interpreter that is named needs no environment', () => {
  const plan = stepPlan(requestOf(''), { ...parts, python: '/opt/python/bin/python' })
  expect([plan.command[0], plan.python]).toEqual(['/opt/python/bin/python', undefined])
})
