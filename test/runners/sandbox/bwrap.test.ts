/** Programs in a sandbox that try to get out: each must see and touch nothing but its own. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import { createLocalExecutor } from '../../../runners/local.ts'
import type { Plan } from '../../../src/jobs/protocol.ts'
import {
  attempt,
  cleanUp,
  executor,
  exited,
  livingOf,
  logOf,
  run,
  said,
  start,
} from '../local/attempts.ts'

setDefaultTimeout(60_000)

const sandboxed = (script: string, plan: Partial<Plan> = {}) =>
  attempt(script, { sandbox: 'bwrap', ...plan })

/** What the script prints, line by line; it must succeed. */
const linesOf = async (script: string, plan: Partial<Plan> = {}) => {
  const { outcome, log } = await run(sandboxed(script, plan))
  expect({ ...outcome, log }).toEqual({ ...exited(0), log })
  return log.trimEnd().split('\n')
}

let secret: string
beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-secret-'))
  secret = join(folder, 'secret')
  writeFileSync(secret, 'sesame', { mode: 0o644 })
})
afterAll(async () => {
  rmSync(join(secret, '..'), { recursive: true, force: true })
  await cleanUp()
})

test('it is nobody, without any right of root', async () => {
  expect(
    await linesOf(
      'id -u; id -g; grep -E "^(CapPrm|CapEff|CapInh|CapAmb|NoNewPrivs)" /proc/self/status',
    ),
  ).toEqual([
    '65534',
    '65534',
    'CapInh:\t0000000000000000',
    'CapPrm:\t0000000000000000',
    'CapEff:\t0000000000000000',
    'CapAmb:\t0000000000000000',
    'NoNewPrivs:\t1',
  ])
})

test('files of the host are not there: data, homes, passwords, other attempts', async () => {
  const other = await start(sandboxed('echo mine > file; echo ready; exec sleep 60'))
  await said(other.folder, 'ready')
  const paths = [
    secret,
    '/root',
    '/home',
    '/etc/shadow',
    '/sys',
    '/boot',
    '/run',
    '/var/lib',
    '/var/run/docker.sock',
    import.meta.dir,
    other.folder.path,
    attemptFiles(other.folder.path).work,
  ]
  const script = `for p in ${paths.join(' ')}; do if [ -e "$p" ]; then echo "$p"; fi; done; ls /`
  expect(await linesOf(script)).toEqual(
    ['bin', 'dev', 'etc', 'lib', 'lib64', 'proc', 'sbin', 'tmp', 'usr', 'var'].filter(
      (name) => name !== 'lib64' || process.arch === 'x64',
    ),
  )
})

test('the system cannot be changed, nor its own record', async () => {
  const targets = [
    '/usr/x',
    '/etc/x',
    '/x',
    '/bin/x',
    '../spec.json',
    '../control',
    '../claimed',
    '../exit.json',
    '/proc/sys/kernel/core_pattern',
    '/proc/sysrq-trigger',
  ]
  const script = `for t in ${targets.join(' ')}; do
      if (echo x > $t) 2>/dev/null; then echo "wrote $t"; fi
    done
    mknod sda b 8 0 2>/dev/null && echo "made a device"
    mount -t tmpfs none /usr 2>/dev/null && echo mounted
    chroot / true 2>/dev/null && echo "changed its root"
    echo end`
  expect(await linesOf(script)).toEqual(['end'])
})

test('it writes its work, home, events and private temporary folders', async () => {
  const folder = sandboxed(`
    echo a > file; echo b > "$HOME/file"; echo '{}' >> "$HEARTH_EVENTS"
    echo c > /tmp/file; echo d > "$TMPDIR/other"; echo e > /dev/shm/file; echo f > /dev/stdout
    ls /tmp`)
  const ran = await run(folder)
  expect({ outcome: ran.outcome, log: ran.log }).toEqual({
    outcome: exited(0),
    log: expect.stringMatching(/^f\nfile\n(hearth-local-\d+\n)?other\n$/) as unknown as string,
  })
  const { work, home, events } = attemptFiles(folder.path)
  expect(
    await Promise.all(
      [`${work}/file`, `${home}/file`, events].map((path) => Bun.file(path).text()),
    ),
  ).toEqual(['a\n', 'b\n', '{}\n'])
})

test('there is no network, not even the host’s own, unless it is asked for', async () => {
  using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('hello') })
  const connect = `import socket,sys
try: socket.create_connection(("127.0.0.1", ${server.port}), 5); print("connected")
except OSError: print("refused")
print(*[name for _, name in socket.if_nameindex()])`
  const command = ['/usr/bin/python3', '-c', connect]
  expect(await linesOf('', { command })).toEqual(['refused', 'lo'])
  const open = await linesOf('', { command, network: true })
  expect(open[0]).toBe('connected')
})

test('it sees no processes but its own, and cannot end others', async () => {
  const script = `ls /proc | grep -cE '^[0-9]+$'; kill -9 ${process.pid} 2>/dev/null || echo no`
  const [count, answer] = await linesOf(script)
  expect(Number(count)).toBeLessThan(10)
  expect(answer).toBe('no')
})

test('the environment of its shim and agent cannot be read', async () => {
  process.env['HEARTH_TEST_LEAK'] = 'sesame'
  const lines = await linesOf('cat /proc/*/environ 2>/dev/null | tr "\\0" "\\n"; echo; echo end')
  delete process.env['HEARTH_TEST_LEAK']
  expect(lines.at(-1)).toBe('end')
  expect(lines.join('\n')).not.toContain('sesame')
  expect(lines.join('\n')).not.toContain('HEARTH_SHIM')
})

test('memory, processes and the disk are limited as outside', async () => {
  const reason = async (script: string, plan: Partial<Plan>) =>
    (await run(sandboxed(script, plan))).outcome.reason
  expect(
    await Promise.all([
      reason('head -c 100000000 /dev/zero | tail -n 1', {
        limits: { memoryBytes: 32 << 20 },
      }),
      reason('head -c 100000000 /dev/zero > /tmp/file', { limits: { memoryBytes: 32 << 20 } }),
      reason('head -c 3000000 /dev/zero > a; sleep 60', { limits: { diskBytes: 2_000_000 } }),
      reason('sleep 60', { limits: { wallMs: 100 } }),
    ]),
  ).toEqual(['oom', 'oom', 'disk_full', 'timeout'])
  const tmp = await run(
    sandboxed('head -c 3000000 /dev/zero > /tmp/a', { limits: { diskBytes: 2_000_000 } }),
  )
  expect(tmp.log).toContain('No space left on device')
})

test('a fork bomb ends with its sandbox', async () => {
  const bomb = 'import os\nwhile True:\n  try: os.fork()\n  except OSError: print("no", flush=True)'
  const folder = sandboxed('', {
    command: ['/usr/bin/python3', '-c', bomb],
    limits: { pids: 40 },
    graceMs: 0,
  })
  const handle = await start(folder)
  await said(folder, 'no')
  await executor.stop(handle, 'cancel')
  await executor.wait(handle)
  expect(livingOf(folder)).toEqual([])
})

test('it is told politely, reads why, and keeps its exit code', async () => {
  const folder = sandboxed(`
    trap 'cat "$HEARTH_CONTROL"; echo; exit 9' TERM
    echo ready; while :; do sleep 0.01; done`)
  const handle = await start(folder)
  await said(folder, 'ready')
  await executor.stop(handle, 'cancel')
  const { usage: _, ...outcome } = await executor.wait(handle)
  expect(outcome).toEqual({ reason: 'cancelled', exitCode: 9, signal: null })
  expect(logOf(folder)).toEndWith('cancel\n')
})

test('nothing of it outlives a killed shim', async () => {
  const folder = sandboxed('(setsid env -i sleep 60 &) & echo ready; exec sleep 60')
  const handle = await start(folder)
  await said(folder, 'ready')
  const { pid } = (await Bun.file(attemptFiles(folder.path).claimed).json()) as { pid: number }
  process.kill(pid, 'SIGKILL')
  expect(await executor.wait(handle)).toMatchObject({ reason: 'shim_lost' })
  expect(livingOf(folder)).toEqual([])
})

test('shared folders can be read and not written; the path of a job opens nothing', async () => {
  const shared = mkdtempSync(join(tmpdir(), 'hearth-shared-'))
  const venv = join(shared, 'venv')
  chmodSync(shared, 0o755)
  mkdirSync(join(venv, 'bin'), { recursive: true })
  writeFileSync(join(venv, 'module.py'), '')
  const own = join(secret, '..')
  writeFileSync(join(own, 'pyvenv.cfg'), `home = ${import.meta.dir}/bin\n`)
  mkdirSync(join(own, 'bin'))
  const folder = sandboxed(`
    ls ${venv}; (echo x > ${venv}/x) 2>/dev/null && echo wrote
    ls ${own} ${import.meta.dir} 2>/dev/null; echo end`)
  const local = createLocalExecutor({ shared: [shared] })
  const handle = await local.start(folder, { PATH: `${own}/bin:${venv}/bin:/usr/bin:/bin` })
  await local.wait(handle)
  await local.destroy(handle)
  rmSync(shared, { recursive: true })
  expect(logOf(folder)).toBe('bin\nmodule.py\nend\n')
})

test('what a job tells the loader reaches its program alone', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'hearth-loader-'))
  const output = join(outside, 'heard')
  const env = { LD_DEBUG: 'files', LD_DEBUG_OUTPUT: output, LD_LIBRARY_PATH: '/x' }
  const { outcome, log } = await run(sandboxed('echo "$LD_LIBRARY_PATH"'), env)
  const heard = readdirSync(outside)
  rmSync(outside, { recursive: true })
  const said = log.trimEnd().split('\n').at(-1)
  expect({ outcome, said, heard }).toEqual({ outcome: exited(0), said: '/x', heard: [] })
})
