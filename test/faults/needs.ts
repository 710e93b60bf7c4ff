/** Skips tests whose service this machine cannot have; under CI nothing is ever skipped. */
import { test } from 'bun:test'

type Need = 'postgres' | 'redis' | 'python' | 'torch' | 'harnesses' | 'openenv' | 'mount'

const without = (process.env['HEARTH_TEST_WITHOUT'] ?? '').split(',')

const available = (need: Need): boolean =>
  need === 'mount' ? process.getuid?.() === 0 : !without.includes(need)

export const testWith = (...needs: readonly Need[]) =>
  process.env['CI'] === 'true' ? test : test.skipIf(!needs.every(available))
