/** What fits where, what is left, and which place is the tighter one. */
import { expect, test } from 'bun:test'
import {
  demandOf,
  fit,
  freeOf,
  isFull,
  isTighter,
  lacks,
  shapeOf,
  take,
} from '../../src/jobs/match.ts'
import type { Plan } from '../../src/jobs/plan.ts'

const gpus = [
  { uuid: 'GPU-a', model: 'NVIDIA A100', memoryBytes: 40 },
  { uuid: 'GPU-b', model: 'NVIDIA H100', memoryBytes: 80 },
  { uuid: 'MIG-c', model: 'NVIDIA H100 MIG 1g.10gb', memoryBytes: 10 },
]
const capacity = {
  slots: 2,
  cpus: 4,
  memoryBytes: 100,
  gpus,
  labels: ['zone=eu', 'fast'],
  sandboxes: ['none', 'cgroup'],
}
const plan = (change: Partial<Plan>): Plan => ({ command: ['x'], ...change })
const free = freeOf(capacity, [])

test.each<[string, Partial<Plan>, readonly string[] | null]>([
  ['nothing asked', {}, []],
  ['one GPU: the smallest', { needs: { gpus: 1 } }, ['MIG-c']],
  ['by memory', { needs: { gpus: 1, gpuMemoryBytes: 40 } }, ['GPU-a']],
  ['by model', { needs: { gpus: 1, gpuModel: 'h100', gpuMemoryBytes: 20 } }, ['GPU-b']],
  ['too many GPUs', { needs: { gpus: 4 } }, null],
  ['a label', { needs: { labels: ['fast', 'zone=eu'] } }, []],
  ['the name of a label', { needs: { labels: ['zone'] } }, []],
  ['another value', { needs: { labels: ['zone=us'] } }, null],
  ['a sandbox it has', { sandbox: 'cgroup' }, []],
  ['a sandbox it has not: never a weaker one', { sandbox: 'bwrap' }, null],
  ['an image, without Docker', { image: 'python:3.12' }, null],
  ['all its processors', { needs: { cpus: 4 } }, []],
  ['more of them', { needs: { cpus: 4.5 } }, null],
  ['memory by its limit', { limits: { memoryBytes: 101 } }, null],
  ['needs go before limits', { limits: { memoryBytes: 101 }, needs: { memoryBytes: 1 } }, []],
])('%s', (_, change, expected) => {
  expect(fit(demandOf(plan(change)), free)).toEqual(expected)
})

test('what is taken is not free, and comes back', () => {
  const demand = demandOf(plan({ needs: { gpus: 1, cpus: 3, memoryBytes: 60 } }))
  const left = take(free, demand, ['GPU-b'])
  expect(left).toEqual(freeOf(capacity, [{ demand, gpus: ['GPU-b'] }]))
  expect(fit(demand, left)).toBeNull()
  const small = demandOf(plan({ needs: { gpus: 2, cpus: 1 } }))
  const full = take(left, small, fit(small, left)!)
  expect(full.gpus).toEqual([])
  expect(fit(demandOf(plan({})), full)).toBeNull()
})

test('jobs that ask for a part of a processor share a slot', () => {
  const quarter = demandOf(plan({ needs: { cpus: 0.25 } }))
  let left = free
  for (let n = 0; n < 8; n++) {
    expect(fit(quarter, left)).toEqual([])
    expect(isFull(left)).toBe(false)
    left = take(left, quarter, [])
  }
  expect({ full: isFull(left), fits: fit(quarter, left), cpus: left.cpus }).toEqual({
    full: true,
    fits: null,
    cpus: 2,
  })
  const seven = Array.from({ length: 7 }, () => ({ demand: quarter, gpus: [] }))
  expect(fit(demandOf(plan({})), freeOf(capacity, seven))).toBeNull()
})

test('GPUs are spared first, then slots', () => {
  const none = freeOf({ ...capacity, gpus: [] }, [])
  expect(isTighter(none, free)).toBe(true)
  expect(isTighter(free, none)).toBe(false)
  expect(isTighter(freeOf({ ...capacity, slots: 1 }, []), free)).toBe(true)
  expect(isTighter(free, free)).toBe(false)
})

test('jobs of one shape ask for the same, in whatever order', () => {
  const one = demandOf(plan({ needs: { labels: ['b', 'a'] } }))
  const two = demandOf(plan({ command: ['y'], needs: { labels: ['a', 'b'] } }))
  expect(shapeOf(one)).toBe(shapeOf(two))
  expect(shapeOf(one)).not.toBe(shapeOf(demandOf(plan({}))))
})

test.each<[Partial<Plan>, string | null]>([
  [{}, null],
  [{ needs: { cpus: 1, memoryBytes: 1, labels: ['fast'], gpus: 1 } }, null],
  [{ image: 'python' }, 'the sandbox docker'],
  [{ needs: { labels: ['tape'] } }, 'the label tape'],
  [{ needs: { gpus: 64 } }, '64 such GPUs at once'],
  [{ needs: { gpus: 1, gpuModel: 'abacus' } }, '1 such GPU(s)'],
  [{ needs: { memoryBytes: 2 ** 40 } }, '1024.0 GiB of memory'],
  [{ needs: { cpus: 4000 } }, '4000 CPUs'],
])('what an idle node lacks for %j', (change, expected) => {
  expect(lacks(demandOf(plan(change)), capacity)).toBe(expected)
})
