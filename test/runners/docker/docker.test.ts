/** What a program in a container can do, cannot do, and how it ends: on a real engine. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { statSync } from 'node:fs'
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
      `id -u; id -g; pwd; ls /sys/class/net; ls /proc | grep -c '^[0-9]'; echo x >/etc/x && echo wrote
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
})
