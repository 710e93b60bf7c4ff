/** What a program in a container can do, cannot do, and how it ends: on a real engine. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import {
  bareImage,
  type ContainerTests,
  exited,
  hasDocker,
  logOf,
  openContainers,
  plain,
  until,
} from './containers-fixture.ts'

describe.skipIf(!hasDocker)('a container', () => {
  let tests: ContainerTests
  beforeAll(async () => {
    tests = await openContainers()
  }, 60_000)
  afterAll(() => tests.close(), 60_000)

  test('an engine that can limit is usable', async () => {
    expect(await tests.executor().probe()).toEqual({ sandboxes: ['docker'], reasons: {} })
  })

  test('its output is kept byte by byte, its exit code passed on', async () => {
    const folder = tests.attempt(`echo out; echo err >&2; printf 'a\\377\\000b'; exit 3`)
    expect(await tests.run(folder)).toEqual({ ...exited(3), log: 'out\nerr\na\xff\0b' })
  })

  test('it is nobody, alone, without network, on a system it cannot write to', async () => {
    const folder = tests.attempt(
      `id -u; id -g; pwd; ls /sys/class/net; ls /proc | grep -c '^[0-9]'
      echo x >/etc/x && echo wrote
      grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status
      echo here >$TMPDIR/x; cat /tmp/x; echo $HOME; echo mine >$HOME/y; echo work >made`,
    )
    const { work, home } = attemptFiles(folder.path)
    const { log, ...outcome } = await tests.run(folder)
    expect(outcome).toEqual(exited(0))
    expect(log.split('\n')).toEqual([
      '65534',
      '65534',
      work,
      'lo',
      expect.stringMatching(/^\d$/),
      "sh: can't create /etc/x: Read-only file system",
      'CapEff:\t0000000000000000',
      'NoNewPrivs:\t1',
      'here',
      home,
      '',
    ])
    expect(await Bun.file(join(work, 'made')).text()).toBe('work\n')
    expect(statSync(join(work, 'made')).uid).toBe(65534)
  })

  test('it reads its input, sees its image’s PATH, and nothing of the node', async () => {
    const folder = tests.attempt('echo $PATH; env | cut -d= -f1 | sort | tr "\\n" " "')
    const path = '/node/env/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    const { log } = await tests.run(folder, { PATH: path, SECRET: 'x', PYTHONPATH: '/helper' })
    expect(log.split('\n')).toEqual([
      '/node/env/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'HEARTH_CONTROL HEARTH_EVENTS HOME HOSTNAME PATH PWD PYTHONPATH SECRET SHLVL ' +
        'TINI_KILL_PROCESS_GROUP TMPDIR ',
    ])
  })

  test('an image without a shell has its log as well', async () => {
    const folder = tests.attempt(['seq', '50000'], { image: bareImage })
    const { log, ...outcome } = await tests.run(folder)
    expect(outcome).toEqual(exited(0))
    expect(log).toBe(numbers(50_000))
  })

  test('what cannot be started says why', async () => {
    const failed = { reason: 'start_failed', exitCode: null, signal: null }
    expect(await tests.run(tests.attempt(['nowhere']))).toEqual({
      ...failed,
      message: 'There is no program nowhere',
      log: '',
    })
    const { log: _, ...bare } = await tests.run(tests.attempt(['nowhere'], { image: bareImage }))
    expect(bare).toEqual({
      ...failed,
      message: expect.stringContaining('exec nowhere failed: No such file or directory'),
    })
    // A program that says so itself has only failed.
    expect(await tests.run(tests.attempt('exit 127'))).toEqual({ ...exited(127), log: '' })
  })

  test('a plan that is not for containers is refused, a missing image named', async () => {
    const { image: _, ...plan } = tests.attempt('true').plan
    const folder = { ...tests.attempt('true'), plan }
    expect(plain(await tests.executor().wait(await tests.start(folder)))).toEqual({
      reason: 'refused',
      exitCode: null,
      signal: null,
      message: 'The sandbox docker needs a container image',
    })
    const absent = tests.attempt('true', { image: 'hearth-test:absent' })
    const { signal } = new AbortController()
    await expect(tests.executor().prepare!(absent, () => undefined, signal)).rejects.toThrow(
      'There is no image hearth-test:absent, and none is pulled here',
    )
  })

  test('it is held to its limits', async () => {
    const limits = { memoryBytes: 32 * 2 ** 20, pids: 20, cpus: 1 }
    const eater = `awk 'BEGIN { s = "x"; for (;;) s = s s }'`
    const bomb = 'for i in $(seq 40); do sleep 5 & done; echo all'
    const end = (reason: string, message: string) => expect.objectContaining({ reason, message })
    expect(await tests.run(tests.attempt(eater, { limits }))).toEqual(
      end('oom', 'The job needed more than 33554432 bytes of memory'),
    )
    expect((await tests.run(tests.attempt(bomb, { limits }))).log).toContain("can't fork")
    const slow = { limits: { wallMs: 300 }, graceMs: 100 }
    expect(await tests.run(tests.attempt('sleep 60', slow))).toEqual(
      end('timeout', 'The job ran longer than 300 ms'),
    )
    const noisy = { limits: { logBytes: 10_000 }, graceMs: 100 }
    expect(await tests.run(tests.attempt('while :; do seq 99; sleep 0.01; done', noisy))).toEqual(
      end('log_limit', 'The job logged more than 10000 bytes'),
    )
    const large = { limits: { diskBytes: 2 ** 20 }, graceMs: 100 }
    const write = 'dd if=/dev/zero of=/tmp/x bs=1M count=3; sleep 60'
    expect(await tests.run(tests.attempt(write, large))).toEqual(
      end('disk_full', 'The job wrote more than 1048576 bytes'),
    )
  }, 30_000)

  test('a cancellation is a signal to all, then the end of all', async () => {
    const folder = tests.attempt(
      `trap 'cat $HEARTH_CONTROL; echo; exit 9' TERM; setsid sleep 99 & echo up
      while :; do sleep 0.05; done`,
    )
    const handle = await tests.start(folder)
    await until('it is up', () => logOf(folder) === 'up\n')
    await tests.executor().stop(handle, 'cancel')
    const outcome = plain(await tests.executor().wait(handle))
    expect(outcome).toEqual({ ...exited(9), reason: 'cancelled' })
    // The shell tells that the signal reached the program that it waited for, too.
    expect(logOf(folder)).toMatch(/^up\n(Terminated\n)?cancel\n$/)
    const deaf = tests.attempt(`trap '' TERM; echo up; while :; do sleep 0.1; done`, {
      graceMs: 200,
    })
    const deafHandle = await tests.start(deaf)
    await until('it is up', () => logOf(deaf) === 'up\n')
    await tests.executor().stop(deafHandle, 'cancel')
    expect(plain(await tests.executor().wait(deafHandle))).toEqual({
      reason: 'cancelled',
      exitCode: null,
      signal: 'SIGKILL',
    })
  })

  test('a pause needs a checkpoint', async () => {
    const script = (event: string) =>
      `trap 'echo "${event}" >>$HEARTH_EVENTS; exit 0' TERM; echo up; while :; do sleep 0.05; done`
    const ends = async (event: string) => {
      const folder = tests.attempt(script(event))
      const handle = await tests.start(folder)
      await until('it is up', () => logOf(folder) === 'up\n')
      await tests.executor().stop(handle, 'pause')
      return (await tests.executor().wait(handle)).reason
    }
    const event = '{\\"type\\":\\"checkpoint\\",\\"path\\":\\"x\\"}'
    expect(await ends(event)).toBe('paused')
    expect(await ends('{}')).toBe('exited')
  })

  test('what it used is measured', async () => {
    const handle = await tests.start(tests.attempt('yes >/dev/null & sleep 0.7'))
    const { usage } = await tests.executor().wait(handle)
    expect(usage).toEqual({
      wallMs: expect.any(Number),
      cpuMs: expect.any(Number),
      peakMemoryBytes: expect.any(Number),
    })
    // The engine's clock and the shell's are read at other moments.
    expect(usage?.wallMs).toBeGreaterThanOrEqual(650)
  })

  test('nothing is left once it is destroyed, nor of containers that are nobody’s', async () => {
    const folder = tests.attempt('true')
    const handle = await tests.start(folder)
    await tests.executor().wait(handle)
    await tests.executor().destroy(handle)
    await tests.executor().destroy(handle)
    const orphan = tests.attempt('sleep 99')
    await tests.start(orphan)
    rmSync(orphan.path, { recursive: true })
    await tests.executor().probe()
    const names = (await tests.containers()).flatMap(({ Names }) => Names)
    expect(
      names.filter((name) => [folder, orphan].some(({ job }) => name.includes(`-${job}-`))),
    ).toEqual([])
  })
})

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('')
