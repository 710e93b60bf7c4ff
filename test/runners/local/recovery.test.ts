/** What survives which death: of the agent, of the shim, of both. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import type { AttemptFolder } from '../../../runners/executor.ts'
import { createLocalExecutor } from '../../../runners/local.ts'
import { readClaim, readOutcome } from '../../../runners/shim/attempt-state.ts'
import { shimExit } from '../../../runners/shim/shim.ts'
import {
  attempt,
  cleanUp,
  executor,
  exited,
  isAlive,
  livingOf,
  logOf,
  said,
  start,
  until,
} from './attempts.ts'

setDefaultTimeout(60_000)
afterAll(cleanUp)

const agentRole = join(import.meta.dir, 'agent-role.ts')

/** Has another process start the attempt, and kills it as soon as `when` says. */
const startAndDie = async (folder: AttemptFolder, when: () => Promise<unknown>): Promise<void> => {
  const agent = Bun.spawn([process.execPath, agentRole, JSON.stringify(folder)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  await when()
  agent.kill('SIGKILL')
  await agent.exited
}

const shimOf = (folder: AttemptFolder): number => readClaim(folder.path)?.pid ?? 0

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('')

test('all output is kept when the agent is killed, and the next one finds the end', async () => {
  const folder = attempt(`
    for i in $(seq 500); do echo $i; done
    until [ -e go ]; do sleep 0.01; done
    for i in $(seq 501 3000); do echo $i; done; exit 5`)
  await startAndDie(folder, () => said(folder, '500'))
  const next = createLocalExecutor()
  const handle = await next.recover(folder)
  await Bun.write(join(attemptFiles(folder.path).work, 'go'), '')
  const { usage: _, ...outcome } = await next.wait(handle!)
  expect(outcome).toEqual(exited(5))
  expect(logOf(folder)).toBe(numbers(3000))
})

test('an attempt that has ended meanwhile is found as well, again and again', async () => {
  const folder = attempt('echo done')
  await startAndDie(folder, () => until('it has ended', () => readOutcome(folder.path)))
  for (const next of [createLocalExecutor(), createLocalExecutor()]) {
    const handle = await next.recover(folder)
    expect(await next.wait(handle!)).toMatchObject(exited(0))
  }
})

test('the next agent can stop what an earlier one started', async () => {
  const folder = attempt('echo ready; exec sleep 60')
  await startAndDie(folder, () => said(folder, 'ready'))
  const next = createLocalExecutor()
  const handle = await next.recover(folder)
  await next.stop(handle!, 'cancel')
  expect(await next.wait(handle!)).toMatchObject({ reason: 'cancelled', signal: 'SIGTERM' })
  expect(livingOf(folder)).toEqual([])
})

test('there is nothing to recover of what was never started', async () => {
  expect(await executor.recover(attempt('true'))).toBeNull()
})

test('an agent killed at any moment leaves a program that runs once, or not at all', async () => {
  const ends = Array.from({ length: 8 }, async (_, round) => {
    const folder = attempt('echo ran; sleep 0.05')
    await startAndDie(folder, () => Bun.sleep(20 * round))
    const handle = (await executor.recover(folder)) ?? (await start(folder))
    await executor.wait(handle)
    return { log: logOf(folder), left: livingOf(folder) }
  })
  expect(await Promise.all(ends)).toEqual(ends.map(() => ({ log: 'ran\n', left: [] })))
})

test('two starts of one attempt run the program once, and both learn how it ended', async () => {
  const folder = attempt('echo ran; exit 4')
  const both = await Promise.all([start(folder), start(folder)])
  const outcomes = await Promise.all(both.map((handle) => executor.wait(handle)))
  expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([4, 4])
  expect(logOf(folder)).toBe('ran\n')
})

test('a shim that was told nothing whole leaves the attempt alone', async () => {
  const folder = attempt('echo ran')
  const main = join(import.meta.dir, '../../../src/main.ts')
  const shim = Bun.spawn([process.execPath, main, 'shim', folder.path], {
    stdin: new Blob(['{"command": ["/bin/sh"']),
  })
  expect(await shim.exited).toBe(shimExit.notTold)
  expect(readClaim(folder.path)).toBeNull()
})

const escaping = `
  setsid sh -c 'echo escaped $$; exec sleep 60' &
  (setsid env -i sh -c 'echo daemon $$; exec sleep 60' &) &
  echo child $$; wait; sleep 60`

test('a killed shim takes everything with it, before that is reported', async () => {
  const folder = attempt(escaping)
  const handle = await start(folder)
  const pids = await Promise.all(
    ['child', 'escaped', 'daemon'].map(async (word) => Number(await said(folder, word))),
  )
  process.kill(shimOf(folder), 'SIGKILL')
  expect(await executor.wait(handle)).toMatchObject({ reason: 'shim_lost', exitCode: null })
  expect(pids.map(isAlive)).toEqual([false, false, false])
  expect(readOutcome(folder.path)?.reason).toBe('shim_lost')
})

test('the same when agent and shim are killed together', async () => {
  const folder = attempt(escaping)
  await startAndDie(folder, () => said(folder, 'daemon'))
  process.kill(shimOf(folder), 'SIGKILL')
  const next = createLocalExecutor()
  const handle = await next.recover(folder)
  expect(await next.wait(handle!)).toMatchObject({ reason: 'shim_lost' })
  expect(livingOf(folder)).toEqual([])
})

test('signals meant for others do not end a shim', async () => {
  const folder = attempt('echo ready; until [ -e go ]; do sleep 0.01; done')
  const handle = await start(folder)
  await said(folder, 'ready')
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.kill(shimOf(folder), signal)
  }
  await Bun.write(join(attemptFiles(folder.path).work, 'go'), '')
  expect(await executor.wait(handle)).toMatchObject(exited(0))
})
