/** Programs begun in a warm Python: as fast as a fork, and as alone as any in a sandbox. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import type { AttemptFolder } from '../../../runners/executor.ts'
import { createLocalExecutor, type LocalHandle } from '../../../runners/local.ts'
import { listProcesses } from '../../../runners/process/proc.ts'
import { sendSignal } from '../../../runners/process/signal.ts'
import { readChild } from '../../../runners/shim/attempt-state.ts'
import type { Plan } from '../../../src/jobs/protocol.ts'
import { exited, until } from '../local/attempts.ts'

setDefaultTimeout(60_000)

const state = mkdtempSync(join(tmpdir(), 'hearth-warm-'))
const shared = [join(state, 'shared'), join(state, 'not-there')]
mkdirSync(join(state, 'shared'))
const executor = createLocalExecutor({ warmIn: state, shared })
const begun: LocalHandle[] = []
afterAll(async () => {
  for (const handle of begun) await executor.destroy(handle)
  rmSync(state, { recursive: true, force: true })
})

let count = 0
const attempt = (program: string, plan: Partial<Plan> = {}): AttemptFolder => {
  const path = join(state, 'attempts', `j${++count}-1`)
  const { work } = attemptFiles(path)
  mkdirSync(work, { recursive: true, mode: 0o755 })
  writeFileSync(join(work, 'program.py'), program)
  const command = ['python3', 'program.py', 'an argument']
  const warmImports = ['decimal', 'not_to_be_had']
  const wanted: Plan = { command, sandbox: 'bwrap', warmImports, graceMs: 300, ...plan }
  return { path, job: `j${count}`, attempt: 1, gpus: [], plan: wanted }
}

const start = async (folder: AttemptFolder, env: Record<string, string> = {}) => {
  const handle = await executor.start(folder, env)
  begun.push(handle)
  return handle
}

const logOf = ({ path }: AttemptFolder) => readFileSync(attemptFiles(path).log, 'utf8')

const run = async (program: string, plan: Partial<Plan> = {}, env: Record<string, string> = {}) => {
  const folder = attempt(program, plan)
  const { usage, ...outcome } = await executor.wait(await start(folder, env))
  return { outcome, usage, log: logOf(folder) }
}

test('it has the modules before its first line', async () => {
  const { outcome, log } = await run('import sys; print("decimal" in sys.modules, sys.argv)')
  expect({ outcome, log }).toEqual({
    outcome: exited(0),
    log: "True ['program.py', 'an argument']\n",
  })
})

test('arguments, folder, streams and exit code are those of a cold start', async () => {
  const program = `
import atexit, os, sys, threading, time
print(__name__, __file__, os.getcwd(), os.environ["MINE"], sys.stdin.read())
print("to the other stream", file=sys.stderr)
atexit.register(print, "at the end")
threading.Thread(target=lambda: (time.sleep(0.02), print("a thread"))).start()
sys.exit(7)
`
  const cold = await run(program, { network: true }, { MINE: 'mine' })
  const warm = await run(program, {}, { MINE: 'mine' })
  expect({ ...warm, usage: null, log: warm.log.replaceAll('j3-1', 'j2-1') }).toEqual({
    ...cold,
    usage: null,
  })
  expect(warm.outcome).toEqual(exited(7))
})

test('an exception ends it with its trace and 1; a module can be run', async () => {
  const failed = await run('def f(): raise ValueError("no")\nf()')
  expect({ outcome: failed.outcome, last: failed.log.trimEnd().split('\n').at(-1) }).toEqual({
    outcome: exited(1),
    last: 'ValueError: no',
  })
  const module = await run('import sys; print(sys.argv[1:])', {
    command: ['python3', '-m', 'program', 'x'],
  })
  expect({ outcome: module.outcome, log: module.log }).toEqual({
    outcome: exited(0),
    log: "['x']\n",
  })
})

test('it is nobody, without any right, the second of two processes', async () => {
  const { log } = await run(`
import os
print(os.getuid(), os.getgid(), sorted(int(n) for n in os.listdir("/proc") if n.isdigit()))
for line in open("/proc/self/status"):
    if line.startswith(("Cap", "NoNewPrivs")): print(*line.split())
`)
  const none = '0000000000000000'
  expect(log.trimEnd().split('\n')).toEqual([
    '65534 65534 [1, 2]',
    ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => `${name}: ${none}`),
    'NoNewPrivs: 1',
  ])
})

test('it finds its own folder and the system, and writes nothing but its own', async () => {
  const other = attempt('import time; print("here", flush=True); time.sleep(60)')
  await start(other)
  await until('the other runs', () => logOf(other).includes('here'))
  const hidden = ['/root', '/home', '/sys', '/run', '/etc/shadow', other.path, import.meta.dir]
  const { outcome, log } = await run(`
import os
attempt = os.path.dirname(os.getcwd())
print(sorted(os.listdir(os.path.dirname(attempt))) == [os.path.basename(attempt)])
print([path for path in ${JSON.stringify(hidden)} if os.path.exists(path)])
for path in ("/warm", "/processes"):
    try: print(os.listdir(path))
    except PermissionError: print("closed")
def writes(path):
    try:
        with open(path, "a") as file: file.write("x")
        return True
    except OSError: return False
own = ["made", os.environ["HOME"] + "/f", os.environ["HEARTH_EVENTS"], "/tmp/f", "/dev/shm/f"]
system = ["/usr/f", "/etc/passwd", "/f", attempt + "/spec.json", attempt + "/exit.json", "/warm/f"]
print([writes(path) for path in own], [writes(path) for path in system])
for number in os.listdir("/proc/1/fd"):
    print(number, os.readlink("/proc/1/fd/" + number))
`)
  expect(log.trimEnd().split('\n')).toEqual([
    'True',
    '[]',
    'closed',
    'closed',
    `[${Array(5).fill('True').join(', ')}] [${Array(6).fill('False').join(', ')}]`,
    '0 /dev/null',
    '1 /dev/null',
    '2 /dev/null',
  ])
  expect(outcome).toEqual(exited(0))
})

test('programs leave nothing behind for the next: no module, no file, no number', async () => {
  const program = `
import decimal, os, random
print(getattr(decimal, "spoilt", None), os.path.exists("/tmp/left"))
decimal.spoilt = True
open("/tmp/left", "w").close()
print(random.random())
`
  const [first = '', second = ''] = [(await run(program)).log, (await run(program)).log]
  expect([first, second].map((log) => log.split('\n')[0])).toEqual(['None False', 'None False'])
  expect(first.split('\n')[1]).not.toBe(second.split('\n')[1] ?? '')
})

test('there is no network but its own loopback', async () => {
  const { log } = await run(`
import socket
print([name for _, name in socket.if_nameindex()])
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname())
try: socket.create_connection(("192.0.2.1", 80), 1)
except OSError as error: print(error.strerror)
`)
  expect(log).toBe("['lo']\nNetwork is unreachable\n")
})

test('memory, processes and the disk are limited, and what it used is known', async () => {
  const memory = await run('x = bytearray(300 << 20)', { limits: { memoryBytes: 64 << 20 } })
  expect(memory.outcome.reason).toBe('oom')
  const forks = await run(
    `
import os
n = 0
try:
    for n in range(200):
        if os.fork() == 0: os.pause() if hasattr(os, "pause") else __import__("time").sleep(60)
except OSError: print("no more", n < 40)
`,
    { limits: { pids: 40 } },
  )
  expect(forks.log).toBe('no more True\n')
  const disk = await run(
    `
try:
    with open("/tmp/big", "wb") as file:
        for _ in range(64): file.write(bytes(1 << 20))
except OSError as error: print(error.strerror)
`,
    { limits: { diskBytes: 16 << 20 } },
  )
  expect(disk.log).toBe('No space left on device\n')
  const { usage } = await run('x = bytearray(100 << 20); sum(range(3_000_000))')
  expect(Number(usage?.peakMemoryBytes)).toBeGreaterThan(100 << 20)
  expect(Number(usage?.cpuMs)).toBeGreaterThan(20)
})

test('it is told politely, and ended when it does not listen', async () => {
  const polite = attempt(`
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("asked"), sys.exit(5)))
print("ready", flush=True)
while True: time.sleep(0.01)
`)
  const handle = await start(polite)
  await until('it is ready', () => logOf(polite).includes('ready'))
  await executor.stop(handle, 'cancel')
  const { usage: _, ...outcome } = await executor.wait(handle)
  expect({ outcome, log: logOf(polite) }).toEqual({
    outcome: { reason: 'cancelled', exitCode: 5, signal: null },
    log: 'ready\nasked\n',
  })
  const deaf = await run(
    'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)',
    { limits: { wallMs: 300 } },
  )
  expect(deaf.outcome).toMatchObject({ reason: 'timeout' })
})

/** Processes that live and have the words in their command line. */
const living = (...words: string[]) =>
  listProcesses().filter(({ pid }) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return words.every((word) => line.includes(word))
    } catch {
      return false
    }
  })

test('nothing outlives it: what it left running, nor itself when its shim is killed', async () => {
  const left = `left-${process.pid}`
  await run(`
import os
if os.fork() == 0:
    os.setsid()
    os.execvp("python3", ["python3", "-c", "import time; time.sleep(60)", "${left}"])
__import__("time").sleep(0.1)
`)
  expect(living(left)).toEqual([])
  const word = `orphan-${process.pid}`
  const folder = attempt(
    `import os
code = "print('up', flush=True); import time; time.sleep(60)"
os.execvp("python3", ["python3", "-c", code, "${word}"])`,
  )
  await start(folder)
  await until('it runs', () => logOf(folder).includes('up'))
  const client = readChild(folder.path)
  const shim = listProcesses().find(({ pid }) => pid === client?.pid)?.parent ?? 0
  process.kill(shim, 'SIGKILL')
  await until('it has ended', () => living(word).length === 0)
})

test('a warm Python that was killed takes its programs along; the next has another', async () => {
  const folder = attempt('import time; print("up", flush=True); time.sleep(60)')
  const handle = await start(folder)
  await until('it runs', () => logOf(folder).includes('up'))
  // Of this file alone: others have theirs. One that dies takes some of the others along.
  for (const { pid } of living('warm_zygote.py', state)) sendSignal(pid, 'SIGKILL')
  expect((await executor.wait(handle)).exitCode).toBe(128 + 9)
  const { outcome, log } = await run('import sys; print("decimal" in sys.modules)')
  expect({ outcome, log }).toEqual({ outcome: exited(0), log: 'True\n' })
})

test('it starts cold where warm would be another thing: loader variables, network', async () => {
  const program = 'import sys; print("decimal" in sys.modules)'
  expect((await run(program, {}, { LD_LIBRARY_PATH: '/nowhere' })).log).toBe('False\n')
  expect((await run(program, { network: true })).log).toBe('False\n')
})
