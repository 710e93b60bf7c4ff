/** Attempts on real processes: output, ends, and what is killed with them. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import { readClaim, requestStop } from '../../../runners/shim/attempt-state.ts'
import {
  attempt,
  cleanUp,
  executor,
  exited,
  isAlive,
  livingOf,
  logOf,
  run,
  said,
  start,
} from './attempts.ts'

setDefaultTimeout(60_000)
afterAll(cleanUp)

test('output of both kinds and the exit code are kept', async () => {
  const ran = await run(attempt('echo out; echo err >&2; pwd; exit 7'))
  expect(ran.outcome).toEqual({ reason: 'exited', exitCode: 7, signal: null })
  expect(ran.log).toMatch(/^out\nerr\n\/.*\/work\n$/)
  expect(ran.usage?.wallMs).toBeGreaterThan(0)
  expect(ran.usage?.cpuMs).toBeGreaterThan(0)
  expect(ran.usage?.peakMemoryBytes).toBeGreaterThan(100_000)
})

test('a signal of its own is told apart from an exit code', async () => {
  const { outcome } = await run(attempt('kill -SEGV $$'))
  expect(outcome).toEqual({ reason: 'exited', exitCode: null, signal: 'SIGSEGV' })
})

test('a program that is not there is said so', async () => {
  const { outcome } = await run(attempt('', { command: ['no-such-program'] }))
  expect(outcome).toEqual({
    reason: 'start_failed',
    exitCode: null,
    signal: null,
    message: 'There is no program no-such-program',
  })
})

test('it gets the environment handed over, and nothing of ours', async () => {
  process.env['HEARTH_TEST_LEAK'] = 'leak'
  const folder = attempt('env', { command: ['/usr/bin/env'] })
  const ran = await run(folder, { MINE: 'a b\nc', HEARTH_JOB: 'j1' })
  delete process.env['HEARTH_TEST_LEAK']
  const { events, control, home, tmp } = attemptFiles(folder.path)
  expect(
    ran.log
      .replace(/^PWD=.*\n/m, '')
      .split('\n')
      .sort(),
  ).toEqual(
    [
      '',
      'c',
      'MINE=a b',
      'HEARTH_JOB=j1',
      `HEARTH_EVENTS=${events}`,
      `HEARTH_CONTROL=${control}`,
      `HOME=${home}`,
      `TMPDIR=${tmp}`,
      'LANG=C.UTF-8',
      'PATH=/usr/local/bin:/usr/bin:/bin',
    ].sort(),
  )
})

test('a secret is in no file and no argument', async () => {
  const folder = attempt('echo ready; exec sleep 60')
  const handle = await start(folder, { TOKEN: 'sesame-4711' })
  await said(folder, 'ready')
  const shim = readClaim(folder.path)?.pid ?? 0
  const visible = [
    ...['claimed', 'child.json', 'shim.err'].map((name) => `${folder.path}/${name}`),
    ...['cmdline', 'environ'].map((name) => `/proc/${shim}/${name}`),
  ]
  expect(visible.map((path) => readFileSync(path, 'utf8')).join()).not.toContain('sesame')
  await executor.stop(handle, 'cancel')
  await executor.wait(handle)
})

test('cancel ends the whole group, politely first', async () => {
  const folder = attempt(`
    trap 'echo polite; exit 3' TERM
    sleep 60 & sh -c 'sleep 60; true' &
    echo ready; while :; do sleep 0.01; done`)
  const handle = await start(folder)
  await said(folder, 'ready')
  await executor.stop(handle, 'cancel')
  await executor.stop(handle, 'cancel')
  const { usage: _, ...outcome } = await executor.wait(handle)
  expect(outcome).toEqual({ reason: 'cancelled', exitCode: 3, signal: null })
  expect(logOf(folder)).toContain('polite')
  expect(livingOf(folder)).toEqual([])
})

test('the word of the control file says why, before the signal comes', async () => {
  const folder = attempt(`
    trap 'cat "$HEARTH_CONTROL"; exit' TERM
    echo ready; while :; do sleep 0.01; done`)
  const handle = await start(folder)
  await said(folder, 'ready')
  await executor.stop(handle, 'pause')
  await executor.wait(handle)
  expect(logOf(folder)).toEndWith('\npause')
})

test('what does not listen is killed when its grace is over', async () => {
  const folder = attempt("trap '' TERM; echo ready; while :; do sleep 0.01; done", { graceMs: 100 })
  const handle = await start(folder)
  await said(folder, 'ready')
  await executor.stop(handle, 'cancel')
  expect(await executor.wait(handle)).toMatchObject({ reason: 'cancelled', signal: 'SIGKILL' })
  expect(livingOf(folder)).toEqual([])
})

test('the grace belongs to the program also when a shell around it ends at once', async () => {
  const folder = attempt(`
    sh -c 'trap "sleep 0.3; echo saved; exit" TERM; echo ready; while :; do sleep 0.01; done'
    true`)
  const handle = await start(folder)
  await said(folder, 'ready')
  await executor.stop(handle, 'cancel')
  await executor.wait(handle)
  expect(logOf(folder)).toEndWith('\nsaved\n')
})

test('who leaves the session, or the family, is ended all the same', async () => {
  const folder = attempt(
    `setsid sh -c "trap '' TERM; echo escaped \\$\\$; exec sleep 60" &
     (setsid env -i sh -c 'echo daemon $$; exec sleep 60' & ) &
     wait; sleep 60`,
    { graceMs: 200 },
  )
  const handle = await start(folder)
  const pids = [Number(await said(folder, 'escaped')), Number(await said(folder, 'daemon'))]
  expect(pids.map(isAlive)).toEqual([true, true])
  await executor.stop(handle, 'cancel')
  await executor.wait(handle)
  expect(pids.map(isAlive)).toEqual([false, false])
})

test('what a program leaves behind when it ends is ended', async () => {
  const folder = attempt('setsid sleep 60 & echo left $!; exit 0')
  const { outcome } = await run(folder)
  expect(outcome).toEqual(exited(0))
  expect(isAlive(Number(await said(folder, 'left')))).toBe(false)
})

test('a pause needs a checkpoint to be one', async () => {
  const script = (event: string) => `
    trap 'echo ${event} >> "$HEARTH_EVENTS"; exit 1' TERM
    echo ready; while :; do sleep 0.01; done`
  const pause = async (event: string) => {
    const folder = attempt(script(event))
    const handle = await start(folder)
    await said(folder, 'ready')
    await executor.stop(handle, 'pause')
    const { usage: _, ...outcome } = await executor.wait(handle)
    return outcome
  }
  expect(
    await Promise.all([
      pause(`'{"type":"checkpoint","path":"c"}'`.replaceAll("'", "'\\''")),
      pause(`'{"type":"message","text":"checkpoint"}'`.replaceAll("'", "'\\''")),
    ]),
  ).toEqual([
    { reason: 'paused', exitCode: 1, signal: null },
    {
      reason: 'cancelled',
      exitCode: 1,
      signal: null,
      message: 'Asked to pause, it wrote no checkpoint',
    },
  ])
})

test('what is stopped before its shim comes to it does not run', async () => {
  const end = async (why: 'cancel' | 'pause') => {
    const folder = attempt('echo ran')
    requestStop(folder.path, why)
    return { ...(await run(folder)).outcome, log: logOf(folder) }
  }
  expect(await Promise.all([end('cancel'), end('pause')])).toEqual([
    { reason: 'cancelled', exitCode: null, signal: null, log: '' },
    { reason: 'paused', exitCode: null, signal: null, log: '' },
  ])
})

test('destroy ends what runs, and may come twice', async () => {
  const folder = attempt('echo ready; exec sleep 60')
  const handle = await start(folder)
  await said(folder, 'ready')
  await executor.destroy(handle)
  await executor.destroy(handle)
  expect(livingOf(folder)).toEqual([])
  expect(existsSync(folder.path)).toBe(true)
})
