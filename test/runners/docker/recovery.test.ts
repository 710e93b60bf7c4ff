/** What survives which death: of the agent, of the watcher, of the engine, of the container. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import { containerName, containerSpec } from '../../../runners/docker/container-spec.ts'
import { containersOf } from '../../../runners/docker/containers.ts'
import { createEngine } from '../../../runners/docker/engine.ts'
import type { AttemptFolder } from '../../../runners/executor.ts'
import { monotonicMs } from '../../../runners/monotonic.ts'
import { listProcesses, startedWith } from '../../../runners/process/proc.ts'
import { readOutcome } from '../../../runners/shim/attempt-state.ts'
import {
  bareImage,
  boxImage,
  type ContainerTests,
  exited,
  hasDocker,
  logOf,
  openContainers,
  plain,
  until,
} from './containers-fixture.ts'

const watchersOf = ({ path }: AttemptFolder): number[] =>
  listProcesses()
    .map(({ pid }) => pid)
    .filter((pid) => startedWith(pid, `HEARTH_SHIM=${path}`))

const killWatchers = async (folder: AttemptFolder): Promise<void> => {
  await until('it is watched', () => watchersOf(folder).length > 0)
  for (const pid of watchersOf(folder)) process.kill(pid, 'SIGKILL')
  await until('it is not watched', () => watchersOf(folder).length === 0)
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join('')

const go = (folder: AttemptFolder) => Bun.write(join(attemptFiles(folder.path).work, 'go'), '')

/** Says 500 lines, waits for a file, says 500 more. */
const inTwoParts = `seq 500; until [ -e go ]; do sleep 0.02; done; seq 501 1000; exit 5`

describe.skipIf(!hasDocker)('a container', () => {
  let tests: ContainerTests
  beforeAll(async () => {
    tests = await openContainers()
  }, 60_000)
  afterAll(() => tests.close(), 60_000)

  const containers = () => containersOf(createEngine(tests.engine.host.slice('unix://'.length)))

  test('runs on, watched, when its agent is killed, and the next one finds its end', async () => {
    const folder = tests.attempt(inTwoParts, { limits: { wallMs: 60_000 } })
    const env = JSON.stringify({})
    const role = join(import.meta.dir, 'agent-role.ts')
    const args = [JSON.stringify(folder), tests.engine.host, tests.base, env]
    const agent = Bun.spawn([process.execPath, role, ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    await until('it has begun', () => logOf(folder) === numbers(1, 500))
    agent.kill('SIGKILL')
    await agent.exited
    await go(folder)
    await until('it has ended', () => readOutcome(folder.path))
    const next = tests.executor()
    const handle = await next.recover(folder)
    expect(plain(await next.wait(handle!))).toEqual(exited(5))
    expect(logOf(folder)).toBe(numbers(1, 1000))
    await next.destroy(handle!)
    expect(await containers().inspect(containerName(folder))).toBeNull()
  })

  test('is watched again when its watcher is killed', async () => {
    const folder = tests.attempt(inTwoParts)
    const handle = await tests.start(folder)
    await until('it has begun', () => logOf(folder) === numbers(1, 500))
    await killWatchers(folder)
    const ended = tests.executor().wait(handle)
    await go(folder)
    expect(plain(await ended)).toEqual(exited(5))
    expect(logOf(folder)).toBe(numbers(1, 1000))
  })

  test('without a shell: its log is whole when its watcher is killed over and over', async () => {
    const count = 100_000
    const folder = tests.attempt(['seq', String(count)], { image: bareImage })
    const handle = await tests.start(folder)
    const ended = tests.executor().wait(handle)
    for (const part of [1, 2]) {
      await until('it has said some more', () => logOf(folder).length > part * 20_000)
      await killWatchers(folder)
    }
    expect(plain(await ended)).toEqual(exited(0))
    expect(logOf(folder)).toBe(numbers(1, count))
  }, 30_000)

  test('runs on when its engine is killed, and is found again', async () => {
    const folder = tests.attempt(inTwoParts)
    const handle = await tests.start(folder)
    await until('it has begun', () => logOf(folder) === numbers(1, 500))
    const ended = tests.executor().wait(handle)
    await tests.engine.kill()
    await go(folder)
    await until('it goes on', () => logOf(folder) === numbers(1, 1000))
    await expect(tests.executor().recover(folder)).rejects.toThrow('No container engine answers')
    expect(await tests.executor().probe()).toEqual({
      sandboxes: [],
      reasons: { docker: expect.stringContaining('No container engine answers at') },
    })
    await tests.engine.restart()
    expect((await ended).reason).toBe('exited')
  }, 30_000)

  test('a cancellation that its engine was away for comes through', async () => {
    const folder = tests.attempt(`trap 'exit 4' TERM; echo up; while :; do sleep 0.05; done`)
    const handle = await tests.start(folder)
    await until('it is up', () => logOf(folder) === 'up\n')
    await tests.engine.kill()
    await tests.executor().stop(handle, 'cancel')
    await tests.engine.restart()
    const { reason } = await tests.executor().wait(handle)
    expect(reason).toBe('cancelled')
  }, 30_000)

  test('ends by itself at its deadline, with no agent', async () => {
    const folder = tests.attempt('sleep 99', { graceMs: 100 })
    await tests.start(folder)
    await Bun.write(attemptFiles(folder.path).deadline, `${monotonicMs() + 200}\n`)
    await until('it has ended', () => readOutcome(folder.path))
    expect(plain(readOutcome(folder.path)!)).toEqual({
      reason: 'lease_expired',
      exitCode: null,
      signal: 'SIGTERM',
      message: 'The node was out of contact for too long',
    })
  })

  test('that was made and not started is made anew; one that was removed is lost', async () => {
    const folder = tests.attempt('echo ran')
    const owner = { uid: 65534, gid: 65534 }
    const image = { id: boxImage, path: null }
    const spec = containerSpec({ folder, env: {}, image, owner, shared: [], log: 'engine' })
    await containers().create(containerName(folder), {
      ...spec,
      HostConfig: { ...spec.HostConfig, Mounts: [] },
    })
    expect(await tests.executor().recover(folder)).toBeNull()
    expect(await containers().inspect(containerName(folder))).toBeNull()
    expect(await tests.run(folder)).toEqual({ ...exited(0), log: 'ran\n' })

    const removed = tests.attempt('sleep 99')
    const handle = await tests.start(removed)
    await killWatchers(removed)
    await containers().remove(containerName(removed))
    expect(await tests.executor().recover(removed)).not.toBeNull()
    expect(await tests.executor().wait(handle)).toEqual({
      reason: 'shim_lost',
      exitCode: null,
      signal: null,
      message: 'The container was removed while the job ran',
    })
  })
})
