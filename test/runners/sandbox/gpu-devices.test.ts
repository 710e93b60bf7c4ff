/** Which device files a sandbox shows for which lease. */
import { expect, test } from 'bun:test'
import { gpuDevices } from '../../../runners/sandbox/gpu-devices.ts'

const known = new Map([
  ['GPU-a', '/dev/nvidia0'],
  ['GPU-b', '/dev/nvidia1'],
])

test('without a lease there are none', () => {
  expect(gpuDevices([], known)).toEqual([])
})

test('a lease shows its own GPU and not its neighbour', () => {
  const shown = gpuDevices(['GPU-b'], known)
  expect(shown).toContain('/dev/nvidia1')
  expect(shown).not.toContain('/dev/nvidia0')
})

test('a GPU that is not known is refused, rather than all being shown', () => {
  expect(() => gpuDevices(['MIG-c'], known)).toThrow('MIG-c')
})
