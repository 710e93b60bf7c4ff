/** What a node says it has: read from the files and tools of many kinds of machines. */
import { expect, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureCapacity } from '../../../runners/agent/capacity.ts'
import { Executors } from '../../../runners/agent/executors.ts'
import { findGpus } from '../../../runners/agent/gpus.ts'
import { cpuCount, memoryBytes } from '../../../runners/agent/memory.ts'
import { silentLogger } from '../../../src/kernel/log.ts'
import { fakeClock } from '../../../src/testing.ts'

const gibibyte = 2 ** 30
const files = (table: Record<string, string>) => (path: string) => table[path] ?? null

test.each([
  ['no cgroup at all', {}, 8 * gibibyte],
  [
    'version 2, no limit',
    { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': 'max\n' },
    8 * gibibyte,
  ],
  [
    'version 2, the limit of a parent',
    {
      '/proc/self/cgroup': '0::/user/agent\n',
      '/sys/fs/cgroup/user/agent/memory.max': `${4 * gibibyte}\n`,
      '/sys/fs/cgroup/user/memory.max': `${2 * gibibyte}\n`,
    },
    2 * gibibyte,
  ],
  [
    'version 1',
    {
      '/proc/self/cgroup': '9:cpu,cpuacct:/x\n5:memory:/docker/abc\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${3 * gibibyte}\n`,
    },
    3 * gibibyte,
  ],
  [
    'version 1, no limit',
    {
      '/proc/self/cgroup': '5:memory:/\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    },
    8 * gibibyte,
  ],
])('memory: %s', (_, table, expected) => {
  expect(memoryBytes(files(table as Record<string, string>), 8 * gibibyte)).toBe(expected)
})

test.each([
  [{}, 16],
  [{ '/proc/self/cgroup': '0::/a\n', '/sys/fs/cgroup/a/cpu.max': '150000 100000\n' }, 1.5],
  [{ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' }, 16],
  [
    {
      '/proc/self/cgroup': '3:cpu,cpuacct:/\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    },
    2,
  ],
  [
    {
      '/proc/self/cgroup': '3:cpu,cpuacct:/\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    },
    16,
  ],
])('processors: %j', (table, expected) => {
  expect(cpuCount(files(table as Record<string, string>), 16)).toBe(expected)
})

const table = `GPU-aaaa, NVIDIA H200, 143771
GPU-bbbb, NVIDIA A100-SXM4-80GB, 81920
`
const list = `GPU 0: NVIDIA H200 (UUID: GPU-aaaa)
GPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-bbbb)
  MIG 3g.40gb     Device  0: (UUID: MIG-1111)
  MIG 1g.10gb     Device  1: (UUID: MIG-2222)
`

test('GPUs by UUID, those cut into instances by instance', async () => {
  const gpus = await findGpus(async ([first]) => (first === '-L' ? list : table))
  expect(gpus).toEqual([
    { uuid: 'GPU-aaaa', model: 'NVIDIA H200', memoryBytes: 143771 * 2 ** 20 },
    { uuid: 'MIG-1111', model: 'NVIDIA A100-SXM4-80GB MIG 3g.40gb', memoryBytes: 40 * gibibyte },
    { uuid: 'MIG-2222', model: 'NVIDIA A100-SXM4-80GB MIG 1g.10gb', memoryBytes: 10 * gibibyte },
  ])
})

test('the tool is looked for on the path; none, or one that fails, means none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-smi-'))
  const tool = join(folder, 'nvidia-smi')
  const path = process.env['PATH']
  try {
    process.env['PATH'] = `${folder}:${path}`
    const found = async (script: string) => {
      writeFileSync(tool, `#!/bin/sh\n${script}\n`)
      chmodSync(tool, 0o755)
      return (await findGpus()).map(({ uuid }) => uuid)
    }
    expect(await found(`if [ "$1" = -L ]; then exit 1; fi; printf '${table}'`)).toEqual([
      'GPU-aaaa',
      'GPU-bbbb',
    ])
    expect(await found('echo "no driver"; exit 9')).toEqual([])
    process.env['PATH'] = '/nowhere'
    expect(await findGpus()).toEqual([])
  } finally {
    process.env['PATH'] = path
    rmSync(folder, { recursive: true })
  }
})

test('labels of the machine and of its owner, one slot for each processor', async () => {
  const none = new Executors([], { clock: fakeClock(), log: silentLogger })
  const capacity = await measureCapacity(none, { labels: ['ssd'] }, async () => [])
  expect(capacity).toEqual({
    slots: Math.max(1, Math.floor(cpuCount())),
    cpus: cpuCount(),
    memoryBytes: memoryBytes(),
    gpus: [],
    labels: [`os=linux`, `arch=${process.arch}`, `hostname=${hostname()}`, 'ssd'],
    sandboxes: [],
  })
})
