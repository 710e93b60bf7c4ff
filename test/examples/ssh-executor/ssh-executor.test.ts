/** The worked example of an executor from outside, against a real SSH server. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSshExecutor } from '../../../docs/examples/ssh-executor/ssh-executor.ts'
import { attemptFiles, type AttemptFolder, type Executor } from '../../../runners/executor-sdk.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { hasSshd, type SshServer, startSshServer } from './ssh-server.ts'

/** Connecting takes its time on a busy machine. */
setDefaultTimeout(30_000)

describe.skipIf(!hasSshd)('an executor by SSH', () => {
  let server: SshServer
  let executor: Executor
  let base: string
  const begun: AttemptFolder[] = []
  beforeAll(async () => {
    server = await startSshServer()
    base = await mkdtemp(join(tmpdir(), 'hearth-ssh-attempts-'))
    executor = fresh()
  })
  afterAll(async () => {
    for (const folder of begun) await executor.destroy({ folder })
    await server[Symbol.asyncDispose]()
    rmSync(base, { recursive: true, force: true })
  })

  /** As a restarted agent would have it. */
  const fresh = () =>
    createSshExecutor({ ...server.target, folder: join(base, 'there'), lookEveryMs: 50 })

  const attempt = (script: string): AttemptFolder => {
    const job = `j${begun.length + 1}`
    const path = join(base, 'here', `${job}-1`)
    mkdirSync(attemptFiles(path).work, { recursive: true })
    const plan = { command: ['sh', '-c', script], graceMs: 500 }
    const folder = { path, job, attempt: 1, gpus: [], plan }
    begun.push(folder)
    return folder
  }

  const start = (folder: AttemptFolder, env: Record<string, string> = {}) => {
    const { events, control } = attemptFiles(folder.path)
    return executor.start(folder, { HEARTH_EVENTS: events, HEARTH_CONTROL: control, ...env })
  }

  const logOf = ({ path }: AttemptFolder) => {
    const { log } = attemptFiles(path)
    return existsSync(log) ? readFileSync(log, 'latin1') : ''
  }
  const remote = ({ job }: AttemptFolder, name: string) => join(base, 'there', `${job}-1`, name)

  test('a program gets its files and environment; all that it makes comes back', async () => {
    const folder = attempt(
      `cat input; printf 'a\\377\\000b'; echo "$TOKEN" >&2
      echo '{"type":"message"}' >>"$HEARTH_EVENTS"
      echo made >output; exit 3`,
    )
    const { work, events } = attemptFiles(folder.path)
    writeFileSync(join(work, 'input'), 'given\n')
    const handle = await start(folder, { TOKEN: `it's "secret" $HOME` })
    const outcome = await executor.wait(handle)
    expect(outcome).toEqual({ reason: 'exited', exitCode: 3, signal: null })
    expect(logOf(folder)).toBe(`given\na\xff\0bit's "secret" $HOME\n`)
    expect(readFileSync(events, 'utf8')).toBe('{"type":"message"}\n')
    expect(readFileSync(join(work, 'output'), 'utf8')).toBe('made\n')
    await executor.destroy(handle)
    await executor.destroy(handle)
    expect(existsSync(remote(folder, ''))).toBe(false)
  })

  test('a cancellation is a signal, then the end', async () => {
    const folder = attempt(`trap 'cat "$HEARTH_CONTROL"; exit 9' TERM
      echo up; while :; do sleep 0.05; done`)
    const handle = await start(folder)
    await waitUntil('it is up', () => readFileSync(remote(folder, 'log'), 'utf8') === 'up\n')
    await executor.stop(handle, 'cancel')
    expect(await executor.wait(handle)).toEqual({
      reason: 'cancelled',
      exitCode: 9,
      signal: null,
    })
    const deaf = attempt(`trap '' TERM; echo up; while :; do sleep 0.05; done`)
    const deafHandle = await start(deaf)
    await waitUntil('it is up', () => readFileSync(remote(deaf, 'log'), 'utf8') === 'up\n')
    await executor.stop(deafHandle, 'cancel')
    expect(await executor.wait(deafHandle)).toEqual({
      reason: 'cancelled',
      exitCode: null,
      signal: 'SIGKILL',
    })
  })

  test('it runs on while the connection is away, and nothing is missing or doubled', async () => {
    const folder = attempt('seq 500; until [ -e go ]; do sleep 0.02; done; seq 501 900')
    const ended = executor.wait(await start(folder))
    await waitUntil('it has begun', () => logOf(folder).endsWith('500\n'))
    await server.down()
    await expect(fresh().recover(attempt('true'))).rejects.toThrow('127.0.0.1')
    expect((await fresh().probe()).sandboxes).toEqual([])
    writeFileSync(remote(folder, 'work/go'), '')
    await server.up()
    expect(await ended).toEqual({ reason: 'exited', exitCode: 0, signal: null })
    expect(logOf(folder)).toBe(Array.from({ length: 900 }, (_, i) => `${i + 1}\n`).join(''))
  })

  test('the next agent finds it, and begins it no second time', async () => {
    const folder = attempt('echo ran >>../runs; echo done')
    await start(folder)
    await start(folder)
    const handle = await fresh().recover(folder)
    expect(await fresh().wait(handle!)).toEqual({ reason: 'exited', exitCode: 0, signal: null })
    expect(readFileSync(remote(folder, 'runs'), 'utf8')).toBe('ran\n')
  })

  test('what was never begun is not found; what was killed from outside is lost', async () => {
    expect(await executor.recover(attempt('true'))).toBeNull()
    const folder = attempt('echo up; sleep 99')
    const handle = await start(folder)
    await waitUntil('it is up', () => readFileSync(remote(folder, 'log'), 'utf8') === 'up\n')
    process.kill(-Number(readFileSync(remote(folder, 'pid'), 'utf8')), 'SIGKILL')
    expect(await executor.wait(handle)).toEqual({
      reason: 'shim_lost',
      exitCode: null,
      signal: null,
    })
  })
})
