/** Finding control groups in what kernels say of them: of either version, and in containers. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCgroup } from '../../../runners/sandbox/cgroup.ts'
import { findHierarchies } from '../../../runners/sandbox/cgroup-host.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hearth-cgroup-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const write = (path: string, text: string) => {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), text)
}

const mount = (point: string, type: string, options: string, from = '/') =>
  `30 23 0:26 ${from} ${join(root, point)} rw,nosuid shared:4 - ${type} ${type} rw,${options}\n`

test('version 2 with its controllers handed down', () => {
  write('user/cgroup.controllers', 'cpu io memory pids\n')
  write('user/cgroup.subtree_control', 'cpu memory pids\n')
  expect(
    findHierarchies({ mounts: mount('', 'cgroup2', 'nsdelegate'), own: '0::/user\n' }),
  ).toEqual([{ version: 2, base: join(root, 'user'), controllers: ['memory', 'cpu', 'pids'] }])
})

test('version 2 has what is offered handed down where that is allowed', () => {
  write('user/cgroup.controllers', 'memory pids\n')
  write('user/cgroup.subtree_control', '')
  findHierarchies({ mounts: mount('', 'cgroup2', ''), own: '0::/user\n' })
  expect(readFileSync(join(root, 'user/cgroup.subtree_control'), 'utf8')).toBe('+memory +pids')
})

test('an agent that moved into a leaf of its own group still means that group', () => {
  write('user/cgroup.controllers', '')
  mkdirSync(join(root, 'user/hearth-node'))
  const found = findHierarchies({ mounts: mount('', 'cgroup2', ''), own: '0::/user/hearth-node\n' })
  expect(found.map(({ base }) => base)).toEqual([join(root, 'user')])
})

test('version 1 beside version 2, as a container sees them', () => {
  for (const folder of ['memory', 'cpu,cpuacct', 'unified']) mkdirSync(join(root, folder))
  const mounts = [
    mount('memory', 'cgroup', 'memory', '/docker/abc'),
    mount('cpu,cpuacct', 'cgroup', 'cpu,cpuacct', '/docker/abc'),
    mount('freezer', 'cgroup', 'freezer', '/docker/abc'),
    mount('unified', 'cgroup2', '', '/docker/abc'),
  ].join('')
  const own =
    '4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n2:freezer:/docker/abc\n0::/docker/abc\n'
  expect(findHierarchies({ mounts, own })).toEqual([
    { version: 1, base: join(root, 'memory'), controllers: ['memory'] },
    { version: 1, base: join(root, 'cpu,cpuacct'), controllers: ['cpu'] },
    { version: 2, base: join(root, 'unified'), controllers: [] },
  ])
})

test('where no group can be made there is none', () => {
  expect(findHierarchies({ mounts: mount('', 'cgroup2', ''), own: '0::/gone\n' })).toEqual([])
})

test('limits of version 2 are written in its words', async () => {
  const hierarchy = { version: 2, base: root, controllers: ['memory', 'cpu', 'pids'] } as const
  const plan = {
    name: 'job',
    hierarchies: [hierarchy],
    limits: { memoryBytes: 1 << 20, cpus: 1.5, pids: 7 },
  }
  const cgroup = makeCgroup(plan)
  const files = ['memory.max', 'memory.swap.max', 'memory.oom.group', 'cpu.max', 'pids.max']
  expect(files.map((name) => readFileSync(join(root, 'job', name), 'utf8'))).toEqual([
    '1048576',
    '0',
    '1',
    '150000 100000',
    '7',
  ])
  write('job/memory.events', 'low 0\nmax 9\noom 2\noom_kill 3\n')
  write('job/memory.peak', '4096\n')
  write('job/cpu.stat', 'usage_usec 1500\nuser_usec 1000\n')
  write('job/cgroup.procs', '12\n15\n')
  expect({
    oomKills: cgroup.oomKills(),
    peakMemoryBytes: cgroup.peakMemoryBytes(),
    cpuMs: cgroup.cpuMs(),
    pids: cgroup.pids(),
  }).toEqual({ oomKills: 3, peakMemoryBytes: 4096, cpuMs: 1.5, pids: [12, 15] })
  cgroup.kill()
  expect(readFileSync(join(root, 'job/cgroup.kill'), 'utf8')).toBe('1')
  expect(await cgroup.remove()).toBe(false)
  expect(existsSync(join(root, 'job'))).toBe(true)
})
