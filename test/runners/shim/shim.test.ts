/** The parts of a shim, each by itself: claims, sizes, checkpoints, and its own cost. */
import { afterAll, expect, test } from 'bun:test'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { descendants, identify, isRunning, startedWith } from '../../../runners/process/proc.ts'
import { killUntilNone } from '../../../runners/process/signal.ts'
import {
  claim,
  readClaim,
  readOutcome,
  readStop,
  requestStop,
  writeOutcome,
} from '../../../runners/shim/attempt-state.ts'
import { checkpointSeen } from '../../../runners/shim/checkpoint-seen.ts'
import { diskBytes } from '../../../runners/shim/disk-use.ts'

const base = mkdtempSync(join(tmpdir(), 'hearth-shim-'))
afterAll(() => rmSync(base, { recursive: true }))
const folder = () => mkdtempSync(join(base, 'a-'))

test('a claim is made once, names its maker, and leaves nothing else', () => {
  const path = folder()
  expect([claim(path), claim(path)]).toEqual([true, false])
  expect(readClaim(path)).toEqual(identify('self'))
  expect(readdirSync(path)).toEqual(['claimed'])
})

test('a process is the same only with its start time and boot', () => {
  const me = identify('self')
  if (!me) throw new Error('no /proc')
  expect([
    isRunning(me),
    isRunning({ ...me, startTicks: me.startTicks + 1 }),
    isRunning({ ...me, boot: 'another' }),
    isRunning({ ...me, pid: 2 ** 22 + 1 }),
  ]).toEqual([true, false, false, false])
})

test('what is asked is kept with its reason; the program is told one of two words', async () => {
  const path = folder()
  const heard = (['pause', 'cancel', 'deadline', 'timeout'] as const).map((why) => {
    requestStop(path, why)
    return [readStop(path), readFileSync(attemptFiles(path).control, 'utf8')]
  })
  expect(heard).toEqual([
    ['pause', 'pause'],
    ['cancel', 'cancel'],
    ['deadline', 'cancel'],
    ['timeout', 'cancel'],
  ])
  expect(readStop(folder())).toBeNull()
})

test('an outcome is read as it was written, or not at all', async () => {
  const path = folder()
  expect(readOutcome(path)).toBeNull()
  const outcome = { reason: 'exited', exitCode: 3, signal: null } as const
  await writeOutcome(path, outcome)
  expect(readOutcome(path)).toEqual(outcome)
  expect(writeOutcome(join(path, 'gone'), outcome)).rejects.toThrow('ENOENT')
})

test('disk use counts blocks, links once, and follows nothing out of the folder', () => {
  const path = folder()
  const empty = diskBytes([path])
  writeFileSync(join(path, 'file'), Buffer.alloc(100_000, 1))
  linkSync(join(path, 'file'), join(path, 'again'))
  symlinkSync('/usr', join(path, 'out'))
  writeFileSync(join(path, 'hole'), '')
  truncateSync(join(path, 'hole'), 2 ** 30)
  mkdirSync(join(path, 'below'))
  writeFileSync(join(path, 'below', 'file'), Buffer.alloc(100_000, 1))
  const used = diskBytes([path]) - empty
  expect(used).toBeGreaterThanOrEqual(200_000)
  expect(used).toBeLessThan(250_000)
  expect(diskBytes([join(path, 'gone')])).toBe(0)
})

test.each([
  ['{"type":"checkpoint","path":"c"}\n', true],
  ['{"type":"metric","name":"checkpoint","value":1}\n{"type": "checkpoint", "path": "c"}', true],
  ['{"type":"message","text":"\\"checkpoint\\""}\n', false],
  ['{"type":"checkpoint"}\n', false],
  ['"checkpoint"\nnull\n{"type":"checkpoint","path":"c"\n', false],
  ['', false],
])('whether %j holds a checkpoint: %p', async (text, expected) => {
  const path = join(folder(), 'events')
  writeFileSync(path, text)
  expect(await checkpointSeen(path)).toBe(expected)
})

test('descendants are found through every generation, in any order', () => {
  const stat = (pid: number, parent: number) => ({
    pid,
    parent,
    state: 'S',
    group: pid,
    session: pid,
    startTicks: 0,
  })
  const all = [stat(5, 4), stat(4, 2), stat(2, 1), stat(3, 1), stat(9, 8)]
  expect(descendants(2, all).sort()).toEqual([4, 5])
  expect(descendants(9, all)).toEqual([])
})

test('an environment entry is matched whole', async () => {
  const child = Bun.spawn(['/bin/sleep', '60'], { env: { A: 'b=ü', AB: 'c' } })
  await waitUntil('the program to begin', () => startedWith(child.pid, 'AB=c'))
  const found = ['A=b=ü', 'A=b', 'B=c', 'AB=c'].map((entry) => startedWith(child.pid, entry))
  child.kill('SIGKILL')
  expect(found).toEqual([true, false, false, true])
})

test('killing gives up on what cannot die, and says so', async () => {
  expect(await killUntilNone(() => [2 ** 22 + 1], 30)).toBe(false)
  expect(await killUntilNone(() => [])).toBe(true)
})

test('a shim loads nothing of the server', async () => {
  const entry = join(import.meta.dir, '../../../src/cli/shim.ts')
  const built = await Bun.build({ entrypoints: [entry], target: 'bun', external: ['bun:ffi'] })
  const [output] = built.outputs
  expect(output?.size).toBeLessThan(60_000)
  expect(await output?.text()).not.toContain('elysia')
})
