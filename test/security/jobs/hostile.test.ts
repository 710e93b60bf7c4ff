/** Programs that mean harm, on a whole server: what they get to see, and what is left of them. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Plan } from '../../../src/jobs/protocol.ts'
import type { JobView } from '../../../src/jobs/view.ts'

setDefaultTimeout(60_000)

const root = join(import.meta.dir, '../../..')
const serverSecret = 'sk-of-the-server-4711'
let dataDir: string
let url: string
let server: Bun.Subprocess<'ignore', 'pipe', 'ignore'>

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'hearth-hostile-'))
  server = Bun.spawn([process.execPath, join(root, 'src/main.ts'), 'start'], {
    cwd: dataDir,
    env: {
      PATH: process.env.PATH ?? '',
      PORT: '0',
      DATA_DIR: dataDir,
      LOCAL_SLOTS: '4',
      OPENAI_API_KEY: serverSecret,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  let said = ''
  for await (const chunk of server.stdout) {
    said += Buffer.from(chunk).toString()
    const found = /listening on (\S+)/.exec(said)?.[1]
    if (found === undefined) continue
    url = found
    break
  }
})
afterAll(async () => {
  server.kill('SIGTERM')
  await server.exited
  rmSync(dataDir, { recursive: true, force: true })
})

const submit = async (script: string, plan: Partial<Plan> = {}, more: object = {}) => {
  const body = JSON.stringify({
    plan: { command: ['/bin/sh', '-c', script], graceMs: 500, ...plan },
    ...more,
  })
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(`${url}/api/jobs`, { method: 'POST', headers, body })
  expect(reply.status).toBe(201)
  return (await reply.json()) as JobView
}

const view = async (id: string) => (await (await fetch(`${url}/api/jobs/${id}`)).json()) as JobView
const logOf = async (id: string) => (await fetch(`${url}/api/jobs/${id}/logs`)).text()

const until = async <T>(look: () => Promise<T | null>): Promise<T> => {
  for (;;) {
    const found = await look()
    if (found !== null) return found
    await Bun.sleep(20)
  }
}

const ended = (id: string) =>
  until(async () => {
    const job = await view(id)
    return ['succeeded', 'failed', 'cancelled'].includes(job.state) ? job : null
  })

const says = (id: string, word: string) =>
  until(async () => ((await logOf(id)).includes(word) ? true : null))

const run = async (script: string, plan: Partial<Plan> = {}, more: object = {}) => {
  const { id } = await submit(script, plan, more)
  const { state, outcome } = await ended(id)
  return { id, state, reason: outcome?.reason, log: await logOf(id) }
}

/** Processes with `mark` in their environment or arguments. */
const marked = (mark: string): number[] =>
  readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    const text = ['environ', 'cmdline'].map((name) => readOrNothing(`/proc/${pid}/${name}`)).join()
    return text.includes(mark) ? [Number(pid)] : []
  })

const readOrNothing = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

const filesWith = (folder: string, text: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile())
    .filter((name) => readOrNothing(join(folder, name)).includes(text))

test('a sandboxed program finds nothing of the server, its keys, or other jobs', async () => {
  const other = await submit('echo secret of another > file; echo ready; sleep 60', {
    sandbox: 'bwrap',
  })
  await says(other.id, 'ready')
  const script = `
    cat /proc/*/environ 2>/dev/null | grep -a -o 'sk-of-the[^ ]*' && echo FOUND environment
    for p in ${dataDir}/hearth.sqlite ${dataDir}/secret* ${dataDir}/node/id ${root}/package.json \\
      ${dataDir}/node/attempts/${other.id}-1 ${dataDir}/node/attempts/${other.id}-1/work/file; do
      cat "$p" 2>/dev/null && echo "FOUND $p"
      ls "$p" >/dev/null 2>&1 && echo "LISTED $p"
    done
    ls ../.. ${dataDir}/node/attempts 2>/dev/null | grep ${other.id} && echo FOUND neighbour
    cat ../spec.json ../../*/spec.json 2>/dev/null && echo FOUND specification
    echo done`
  const { state, log } = await run(script, { sandbox: 'bwrap' })
  expect({ state, log }).toEqual({ state: 'succeeded', log: 'done\n' })
  await fetch(`${url}/api/jobs/${other.id}/cancel`, { method: 'POST' })
  await ended(other.id)
})

test('a sandboxed program reaches neither the server nor anything else by network', async () => {
  const { hostname, port } = new URL(url)
  const program = `
import socket
for address in (("${hostname}", ${port}), ("127.0.0.1", 6379), ("1.1.1.1", 53)):
    try:
        socket.create_connection(address, timeout=2)
        print("REACHED", address)
    except OSError:
        pass
print("done")`
  const { log } = await run('', {
    command: ['/usr/bin/python3', '-c', program],
    sandbox: 'bwrap',
    network: false,
  })
  expect(log).toBe('done\n')
})

test('no level hands the environment of the server to a program', async () => {
  for (const sandbox of ['none', 'bwrap'] as const) {
    const { log } = await run('env', { sandbox })
    expect(log).not.toContain(serverSecret)
    expect(log).not.toContain('DATA_DIR')
  }
})

test('nothing outlives its job: deaf, in other sessions, twice forked', async () => {
  for (const sandbox of ['none', 'bwrap'] as const) {
    const mark = `escapee-${sandbox}-${crypto.randomUUID()}`
    // With no environment left it is only known by how long it sleeps.
    const nap = 1_000_000 + Math.floor(Math.random() * 1e9)
    const script = `
      trap '' TERM INT HUP
      export MARK=${mark}
      setsid sh -c 'trap "" TERM; while :; do sleep 1; done' &
      ( ( setsid sh -c 'trap "" TERM; exec sleep 300' & ) & )
      env -i setsid sleep ${nap} &
      echo ready
      while :; do sleep 1; done`
    const { id } = await submit(script, { sandbox })
    await says(id, 'ready')
    expect(marked(mark).length).toBeGreaterThan(0)
    await until(async () => (marked(`sleep\0${nap}`).length > 0 ? true : null))
    await fetch(`${url}/api/jobs/${id}/cancel`, { method: 'POST' })
    expect((await ended(id)).state).toBe('cancelled')
    expect([...marked(mark), ...marked(`sleep\0${nap}`)]).toEqual([])
  }
})

test('a time limit holds against a fork bomb that listens to nobody', async () => {
  const bomb = `
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    try:
        os.fork()
    except OSError:
        pass`
  const { reason } = await run('', {
    command: ['/usr/bin/python3', '-c', bomb],
    sandbox: 'bwrap',
    limits: { pids: 20, wallMs: 1000 },
  })
  expect(reason).toBe('timeout')
})

test('a secret reaches the program and nothing else: no file, no argument, no log', async () => {
  const secret = `hush-${crypto.randomUUID()}`
  const { id } = await submit(
    'echo ready; while [ ! -e go ]; do sleep 0.05; done; echo "it is $KEY!"; echo "$KEY" >&2',
    {},
    { secrets: { KEY: secret } },
  )
  await says(id, 'ready')
  expect(filesWith(dataDir, secret)).toEqual([])
  const arguments_ = readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid) => readOrNothing(`/proc/${pid}/cmdline`))
  expect(arguments_.join()).not.toContain(secret)
  writeFileSync(join(dataDir, `node/attempts/${id}-1/work/go`), '')
  expect((await ended(id)).state).toBe('succeeded')
  const hidden = '*'.repeat(secret.length)
  expect(await logOf(id)).toBe(`ready\nit is ${hidden}!\n${hidden}\n`)
  await until(async () => (filesWith(dataDir, secret).length === 0 ? true : null))
  expect(JSON.stringify(await view(id))).not.toContain(secret)
})

test('links, devices and pipes among the outputs give nothing away, hold nothing up', async () => {
  const event = (path: string) => JSON.stringify({ type: 'artifact', path })
  const script = `
    mkdir out
    ln -s /etc/shadow out/link; ln -s / out/root; ln -s ${dataDir}/hearth.sqlite out/database
    ln /etc/passwd out/hard 2>/dev/null; mkfifo out/pipe; echo good > out/good
    echo '${event('../../spec.json')}' >> $HEARTH_EVENTS
    echo '${event('/etc/passwd')}' >> $HEARTH_EVENTS
    echo '${event('/dev/zero')}' >> $HEARTH_EVENTS
    echo '${event('out/link')}' >> $HEARTH_EVENTS`
  const { id, state } = await run(script, { outputs: ['out/**'] })
  const reply = await fetch(`${url}/api/jobs/${id}/artifacts`)
  const listed = JSON.stringify(await reply.json())
  expect(state).toBe('succeeded')
  expect([...listed.matchAll(/"path":"([^"]+)"/g)].map(([, path]) => path)).toEqual(['out/good'])
  const zip = await (await fetch(`${url}/api/jobs/${id}/artifacts.zip`)).text()
  expect(zip).not.toContain('root:')
})
