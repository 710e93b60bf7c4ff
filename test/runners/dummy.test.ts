/** The executor without processes: it plays a script on the test's own clock. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attemptFiles } from '../../runners/attempt-files.ts'
import { createDummyExecutor } from '../../runners/dummy.ts'
import type { AttemptFolder } from '../../runners/executor.ts'
import { fakeClock } from '../../src/testing.ts'

const base = mkdtempSync(join(tmpdir(), 'hearth-dummy-'))
afterAll(() => rmSync(base, { recursive: true }))

const attempt = (...steps: string[]): AttemptFolder => ({
  path: mkdtempSync(join(base, 'j-')),
  job: 'j',
  attempt: 1,
  gpus: [],
  plan: { command: ['dummy', ...steps], graceMs: 2000 },
})

const progress = '{"type":"progress","done":1,"total":2}'

test('it plays its steps in order, on the clock given', async () => {
  const clock = fakeClock()
  const executor = createDummyExecutor({ clock })
  const folder = attempt('log=one', 'sleep=3', 'log=two', `event=${progress}`, 'exit=4')
  const files = attemptFiles(folder.path)
  const handle = await executor.start(folder, {})
  expect(readFileSync(files.log, 'utf8')).toBe('one\n')
  clock.advance(2999)
  expect(readFileSync(files.log, 'utf8')).toBe('one\n')
  clock.advance(1)
  expect(await executor.wait(handle)).toEqual({
    reason: 'exited',
    exitCode: 4,
    signal: null,
    usage: { wallMs: 3000 },
  })
  expect(readFileSync(files.log, 'utf8')).toBe('one\ntwo\n')
  expect(readFileSync(files.events, 'utf8')).toBe(`${progress}\n`)
})

const endOf = async (why: 'cancel' | 'pause', ...steps: string[]) => {
  const clock = fakeClock()
  const executor = createDummyExecutor({ clock })
  const handle = await executor.start(attempt(...steps), {})
  await executor.stop(handle, why)
  clock.advance(5000)
  return executor.wait(handle)
}

test('it ends when asked, at once or when its grace is over', async () => {
  const killed = { exitCode: null, signal: 'SIGTERM', usage: { wallMs: 0 } }
  const checkpoint = 'event={"type":"checkpoint","path":"c"}'
  expect(
    await Promise.all([
      endOf('cancel', 'sleep=9'),
      endOf('pause', 'sleep=9'),
      endOf('pause', checkpoint, 'sleep=9'),
      endOf('cancel', 'deaf', 'sleep=9'),
      endOf('cancel', 'deaf', 'sleep=1'),
    ]),
  ).toEqual([
    { reason: 'cancelled', ...killed },
    { reason: 'cancelled', ...killed },
    { reason: 'paused', ...killed },
    { reason: 'cancelled', exitCode: null, signal: 'SIGKILL', usage: { wallMs: 2000 } },
    { reason: 'cancelled', exitCode: 0, signal: null, usage: { wallMs: 1000 } },
  ])
})

test('other ends are played by name', async () => {
  const executor = createDummyExecutor({ clock: fakeClock() })
  const ends = ['reason=oom', 'signal=SIGSEGV', 'no such step'].map(async (step) => {
    const { reason, signal } = await executor.wait(await executor.start(attempt(step), {}))
    return [reason, signal]
  })
  expect(await Promise.all(ends)).toEqual([
    ['oom', null],
    ['exited', 'SIGSEGV'],
    ['start_failed', null],
  ])
})

test('a second executor on the same folder finds what happened, or that it is lost', async () => {
  const clock = fakeClock()
  const first = createDummyExecutor({ clock })
  const next = createDummyExecutor({ clock })
  const done = attempt('exit=1')
  const cut = attempt('sleep=9')
  for (const folder of [done, cut]) await first.start(folder, {})
  await first.wait({ folder: done })
  expect(await next.recover(attempt())).toBeNull()
  expect(await next.wait((await next.recover(done))!)).toMatchObject({ exitCode: 1 })
  expect(await next.wait((await next.recover(cut))!)).toMatchObject({ reason: 'shim_lost' })
})
