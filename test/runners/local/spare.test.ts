/** The shim that is ready before its attempt: used once, replaced when it died, never left over. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLocalExecutor } from '../../../runners/local.ts'
import { listProcesses } from '../../../runners/process/proc.ts'
import { readClaim, readOutcome } from '../../../runners/shim/attempt-state.ts'
import { attempt, cleanUp, exited, isAlive, logOf, until } from './attempts.ts'

setDefaultTimeout(60_000)
afterAll(cleanUp)

const isSpare = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes('--spare')
  } catch {
    return false
  }
}

const sparesOf = (parent: number): number[] =>
  listProcesses()
    .filter((one) => one.parent === parent && isSpare(one.pid))
    .map(({ pid }) => pid)

/** `known`: those of other tests in this process. */
const spareOf = (parent: number, known: readonly number[] = []): Promise<number> =>
  until('a shim is ready', () => sparesOf(parent).find((pid) => !known.includes(pid)) ?? null)

test('the next attempt goes to the shim that is ready, and another one gets ready', async () => {
  const executor = createLocalExecutor({ keepSpare: true })
  const run = async (text: string) => {
    const folder = attempt(`echo ${text}; pwd >&2; exit 3`)
    const outcome = await executor.wait(await executor.start(folder, {}))
    const { usage: _, ...rest } = outcome
    expect(rest).toEqual(exited(3))
    expect(logOf(folder)).toBe(`${text}\n${join(folder.path, 'work')}\n`)
    return readClaim(folder.path)?.pid
  }
  const known = sparesOf(process.pid)
  await run('cold')
  const first = await spareOf(process.pid, known)
  expect(await run('warm')).toBe(first)
  const second = await spareOf(process.pid, known)
  expect(second).not.toBe(first)
  process.kill(second, 'SIGKILL')
  await until('it is gone', () => !isAlive(second))
  expect(await run('cold again')).not.toBe(second)
})

test('what is ready ends with a killed agent', async () => {
  const folder = attempt('echo done')
  const role = join(import.meta.dir, 'spare-role.ts')
  const agent = Bun.spawn([process.execPath, role, JSON.stringify(folder)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  await until('it has ended', () => readOutcome(folder.path))
  const spare = await spareOf(agent.pid)
  agent.kill('SIGKILL')
  await agent.exited
  await until('nothing is left', () => !isAlive(spare))
})
