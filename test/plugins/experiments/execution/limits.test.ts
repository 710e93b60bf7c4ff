/** Programs that take more than they may have: each is ended, whole, and told as what it is. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunning } from '../../../../runners/process/proc.ts'
import { openRig, printed, processesOf, type Rig } from './rig.ts'

setDefaultTimeout(60_000)

const limits = { logBytes: 200_000, diskBytes: 4_000_000, pids: 40 }
let rig: Rig

beforeAll(async () => {
  rig = await openRig({ limits })
})
afterAll(() => rig?.[Symbol.asyncDispose]())

test('one that never ends, and ignores being told to, is ended within two seconds', async () => {
  const code = [
    'import signal, time',
    'for one in (signal.SIGINT, signal.SIGTERM): signal.signal(one, signal.SIG_IGN)',
    'while True: time.sleep(1)',
  ]
  const run = await rig.run(code.join('\n'), { timeoutMs: 1_000 })
  expect(run).toMatchObject({ failure: 'timeout', exception: null })
  expect(run.execTimeS).toBeWithin(1, 3)
})

test('what it began and left behind ends with it', async () => {
  const code = [
    'import os, subprocess, time',
    "subprocess.Popen(['setsid', 'sleep', '777'], start_new_session=True)",
    "subprocess.Popen(['sh', '-c', 'trap \"\" TERM; sleep 777 & wait'])",
    "print('begun', flush=True)",
    "while not os.path.exists('working/go'): time.sleep(0.01)",
  ]
  const { jobId, end } = await rig.begin(code.join('\n'))
  const files = rig.files(jobId)
  await printed(files, 'begun\n')
  const begun = processesOf(files)
  // The program, the shell and two that sleep.
  expect(begun.length).toBeGreaterThanOrEqual(4)
  writeFileSync(join(files.work, 'working/go'), '')
  expect(await end).toMatchObject({ failure: null, exitCode: 0 })
  expect(begun.filter(isRunning)).toEqual([])
})

test('a fork bomb stays small, and is gone afterwards', async () => {
  const code = [
    'import os, time',
    'while True:',
    '    try: os.fork()',
    "    except OSError: print('no more', flush=True); time.sleep(0.1)",
  ]
  const { jobId, end, abort } = await rig.begin(code.join('\n'))
  await printed(rig.files(jobId), 'no more')
  const begun = processesOf(rig.files(jobId))
  expect(begun.length).toBeWithin(20, limits.pids + 1)
  abort()
  expect(await end).toMatchObject({ failure: 'cancelled' })
  expect(begun.filter(isRunning)).toEqual([])
})

test('one that fills the disk is ended', async () => {
  const code = [
    "file = open('working/large', 'wb')",
    'for _ in range(8): file.write(bytes(1_000_000)); file.flush()',
    'import time; time.sleep(600)',
  ]
  expect(await rig.run(code.join('\n'))).toMatchObject({
    failure: 'disk_full',
    message: 'The job wrote more than 4000000 bytes',
  })
})

test('folders in memory are no way around it', async () => {
  const run = await rig.run("open('/tmp/large', 'wb').write(bytes(8_000_000))")
  expect(run).toMatchObject({ failure: 'exception', exception: { type: 'OSError' } })
})

test('one that takes too much memory is ended, its children counted', async () => {
  const alone = "x = bytearray(400 * 2**20)\nprint('had it')"
  const child = `import subprocess, sys, time
subprocess.run([sys.executable, '-c', 'x = bytearray(400 * 2**20); import time; time.sleep(600)'])
time.sleep(600)`
  const runs = [alone, child].map((code) => rig.run(code, { memoryBytes: 64 * 2 ** 20 }))
  for (const run of await Promise.all(runs)) {
    expect(run).toMatchObject({ failure: 'memory', output: { head: '' } })
  }
})

test('one that prints without end is ended, head and tail are kept', async () => {
  const code = "print('first')\nwhile True: print('more ' * 100)"
  const run = await rig.run(code)
  expect(run.failure).toBe('output_limit')
  expect(run.output.head.startsWith('first\nmore ')).toBe(true)
  expect(run.output.tail).toContain('more more')
  expect(run.output.totalBytes).toBeGreaterThanOrEqual(limits.logBytes)
  expect(run.output.omittedBytes).toBeGreaterThan(limits.logBytes - 64 * 1024 - 1)
})

test('what is aborted while it runs ends at once, and says what it had said', async () => {
  const { jobId, end, abort } = await rig.begin("print('begun', flush=True)\nwhile True: pass")
  await printed(rig.files(jobId), 'begun\n')
  const begun = processesOf(rig.files(jobId))
  expect(begun).not.toEqual([])
  abort()
  expect(await end).toMatchObject({ failure: 'cancelled', output: { head: 'begun\n' } })
  expect(begun.filter(isRunning)).toEqual([])
})
