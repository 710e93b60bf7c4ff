/** Limits and deadlines on real processes: each ends the program with the reason that names it. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { statSync, writeFileSync } from 'node:fs'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import { monotonicMs } from '../../../runners/monotonic.ts'
import { createLocalExecutor } from '../../../runners/local.ts'
import {
  attempt,
  cleanUp,
  executor,
  exited,
  livingOf,
  logOf,
  run,
  said,
  start,
} from './attempts.ts'

setDefaultTimeout(60_000)
afterAll(cleanUp)

const reasonOf = async (folder: ReturnType<typeof attempt>) => {
  const { outcome } = await run(folder)
  return { reason: outcome.reason, left: livingOf(folder) }
}

test('wall time', async () => {
  const folder = attempt('sleep 60', { limits: { wallMs: 300 } })
  expect(await reasonOf(folder)).toEqual({ reason: 'timeout', left: [] })
})

test('the log', async () => {
  const folder = attempt('yes', { limits: { logBytes: 100_000 }, graceMs: 0 })
  expect(await reasonOf(folder)).toEqual({ reason: 'log_limit', left: [] })
})

test('a log that is too long at the end is told as well', async () => {
  const folder = attempt('yes | head -c 200000', { limits: { logBytes: 100_000 } })
  expect(await reasonOf(folder)).toEqual({ reason: 'log_limit', left: [] })
})

test('the disk, in files and in holes of none', async () => {
  const over = attempt('head -c 3000000 /dev/zero > a; sleep 60', {
    limits: { diskBytes: 2_000_000 },
  })
  const sparse = attempt('truncate -s 1G a', { limits: { diskBytes: 2_000_000 } })
  expect(await reasonOf(over)).toEqual({ reason: 'disk_full', left: [] })
  expect((await run(sparse)).outcome).toEqual(exited(0))
})

test('memory, of all processes together', async () => {
  const folder = attempt('head -c 100000000 /dev/zero | tail -n 1 | wc -c; sleep 60', {
    limits: { memoryBytes: 32 << 20 },
  })
  expect(await reasonOf(folder)).toEqual({ reason: 'oom', left: [] })
})

test('processes: a fork bomb stays small, and dies', async () => {
  const bomb = 'import os\nwhile True:\n  try: os.fork()\n  except OSError: print("no", flush=True)'
  const folder = attempt('', {
    command: ['/usr/bin/python3', '-c', bomb],
    limits: { pids: 40, wallMs: 700 },
    graceMs: 0,
  })
  const handle = await start(folder)
  await said(folder, 'no')
  expect(livingOf(folder).length).toBeLessThanOrEqual(40)
  expect(await executor.wait(handle)).toMatchObject({ reason: 'timeout' })
  expect(livingOf(folder)).toEqual([])
})

test('processors: a quarter of one is a quarter of its time', async () => {
  const { usage } = await run(
    attempt('i=0; while :; do i=$((i+1)); done', {
      limits: { cpus: 0.25, wallMs: 1200 },
      graceMs: 0,
    }),
  )
  expect((usage?.cpuMs ?? 0) / (usage?.wallMs ?? 1)).toBeLessThan(0.4)
})

test('a deadline that nobody moves on ends it; one that is moved on does not', async () => {
  const folder = attempt('echo ready; until [ -e go ]; do sleep 0.01; done; sleep 60')
  const { deadline, work } = attemptFiles(folder.path)
  const deadlineIn = (ms: number) => writeFileSync(deadline, `${monotonicMs() + ms}\n`)
  deadlineIn(60_000)
  const handle = await start(folder)
  await said(folder, 'ready')
  writeFileSync(`${work}/go`, '')
  deadlineIn(-1)
  expect(await executor.wait(handle)).toMatchObject({ reason: 'lease_expired' })
})

test('a plan that cannot be kept is refused with the reason, and not begun', async () => {
  const why = async (plan: Parameters<typeof attempt>[1]) => {
    const folder = attempt('echo ran', plan)
    const { outcome } = await run(folder)
    expect(logOf(folder)).toBe('')
    expect(outcome.reason).toBe('refused')
    return outcome.message
  }
  expect(await why({ image: 'debian' })).toContain('Docker')
  expect(await why({ sandbox: 'docker' })).toContain('docker')
  expect(await why({ network: false })).toContain('network')
})

test('the probe proves all levels here', async () => {
  expect(await createLocalExecutor().probe()).toEqual({
    sandboxes: ['none', 'cgroup', 'bwrap'],
    reasons: {},
  })
})

test('nothing is left in the control groups', async () => {
  const folder = attempt('cat /proc/self/cgroup', { limits: { pids: 10 } })
  const ran = await run(folder)
  const [, path] =
    /pids.*:(.*hearth-.*)$/m.exec(ran.log) ?? /^0::(.*hearth-.*)$/m.exec(ran.log) ?? []
  expect(path).toContain(`hearth-${folder.job}-1-`)
  expect(statSync(`/sys/fs/cgroup/pids${path}`, { throwIfNoEntry: false })).toBeUndefined()
})
