/** `hearth run` and the verbs around it, from the outside: what a shell and a person see. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { waitUntil } from '../../scripts/port.ts'
import type { JobView } from '../../src/jobs/view.ts'
import { type Client, openClient } from './client.ts'

// Real processes on a machine that may be busy.
setDefaultTimeout(60_000)

let client: Client
beforeAll(async () => {
  client = await openClient()
})
afterAll(() => client[Symbol.asyncDispose]())

const idle = 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done'

test('what a program prints and how it ends is what the shell sees', async () => {
  const { hearth } = client
  const { code, out, err } = await hearth('run', '--', 'sh', '-c', 'cat hello.txt; exit 3')
  expect({ code, out }).toEqual({ code: 3, out: 'hello from the folder\n' })
  expect(err).toMatch(/^j\w{8} failed after [\d.]+s: exit code 3$/m)
  const killed = await hearth('run', '--no-folder', 'sh', '-c', 'kill -9 $$')
  expect(killed.code).toBe(137)
})

test('only what the server lacks is sent', async () => {
  await client.write('.gitignore', 'secret.txt\n')
  await client.write('secret.txt', 'not for others')
  await client.write('large.bin', crypto.randomUUID().repeat(300_000))
  const { write, json } = client
  const sent = async () => {
    const records = await json<{ type: string; files?: number }>('run', 'sh', '-c', 'ls; cat two')
    const log = records.filter(({ type }) => type === 'log') as unknown as { text: string }[]
    return {
      types: [...new Set(records.map(({ type }) => type))],
      files: records.find(({ type }) => type === 'sent')?.files,
      log: log.map(({ text }) => text).join(''),
    }
  }
  await write('two', 'first\n')
  const names = 'hello.txt\nlarge.bin\ntwo\n'
  const types = ['submitted', 'state', 'log', 'end']
  const first = await sent()
  expect(first).toEqual({ types: ['sent', ...types], files: 3, log: `${names}first\n` })
  expect(await sent()).toEqual({ types, files: undefined, log: `${names}first\n` })
  await write('two', 'second\n')
  const changed = await sent()
  expect(changed).toEqual({ types: ['sent', ...types], files: 1, log: `${names}second\n` })
})

test('what a job leaves behind is pulled, once, and never over other files', async () => {
  const { hearth, json, path } = client
  const program = 'mkdir -p out/a; echo 1 > out/a/x.txt; echo 2 > out/y.txt; echo 3 > z.txt'
  await hearth('run', '-o', 'out/**', '--no-folder', '--', 'sh', '-c', program)
  const pulled = await json('pull', 'last', '-o', 'got')
  expect(pulled.map(({ path: name, result }) => [name, result])).toEqual([
    ['out/a/x.txt', 'fetched'],
    ['out/y.txt', 'fetched'],
  ])
  expect(await Bun.file(join(path, 'got/out/a/x.txt')).text()).toBe('1\n')
  await Bun.write(join(path, 'got/out/y.txt'), 'mine')
  const again = await hearth('pull', 'last', '-o', 'got')
  expect(again.code).toBe(1)
  expect(again.err).toContain('got/out/a/x.txt  2 B  (was there)')
  expect(again.err).toContain('got/out/y.txt is there and differs; --force replaces it')
  expect(await Bun.file(join(path, 'got/out/y.txt')).text()).toBe('mine')
  expect((await hearth('pull', 'last', '*.md')).err).toContain('nothing is named *.md. There is:')
  await mkdir(join(path, 'trap'))
  await symlink('/tmp', join(path, 'trap/out'))
  const trapped = await hearth('pull', 'last', '-o', 'trap')
  expect(trapped.code).toBe(1)
  expect(trapped.err).toContain('trap/out is no folder')
})

test('a detached job is found again, shortened or as the last one, and cancelled', async () => {
  const { hearth, json } = client
  const { code, out } = await hearth('run', '-d', '--no-folder', '--name', 'sits', 'sh', '-c', idle)
  const id = out.trim()
  expect({ code, id }).toEqual({ code: 0, id: expect.stringMatching(/^j[a-z2-7]{20}$/) })
  await waitUntil('its first line', async () => (await hearth('logs', 'last')).out === 'ready\n')
  const [listed] = await json<JobView>('jobs', '--name', 'sits', '--state', 'running')
  expect(listed?.id).toBe(id)
  expect((await hearth('jobs')).out).toMatch(/^ID +STATE +NODE +AGE +TOOK +NAME$/m)
  const follower = hearth('logs', '-f', '--tail', '1', id.slice(0, 12))
  expect((await json<JobView>('cancel', id.slice(0, 12)))[0]?.desired).toBe('cancel')
  expect(await follower).toMatchObject({ code: 0, out: expect.stringMatching(/^ready\n/) })
  const [ended] = await json<JobView>('job', '-')
  expect({ id: ended?.id, state: ended?.state }).toEqual({ id, state: 'cancelled' })
  expect((await hearth('cancel', id)).code).toBe(0)
  expect((await hearth('pause', id)).code).toBe(1)
})

test('a log of many attempts: the tail, and an attempt by number', async () => {
  const { hearth } = client
  const program = 'for i in 1 2 3; do echo $HEARTH_ATTEMPT:$i; done; exit $((HEARTH_ATTEMPT % 2))'
  const args = ['run', '--no-folder', '--retry', '1', '--', 'sh', '-c', program]
  expect(await hearth(...args)).toMatchObject({ code: 0, out: '1:1\n1:2\n1:3\n2:1\n2:2\n2:3\n' })
  expect((await hearth('logs', 'last')).out).toBe('2:1\n2:2\n2:3\n')
  expect((await hearth('logs', '--tail', '2', '--attempt', '1', 'last')).out).toBe('1:2\n1:3\n')
})

test('the first interrupt of somebody who cannot be asked cancels the job', async () => {
  const { argv, path, env } = client
  const child = Bun.spawn(argv('run', '--no-folder', '--', 'sh', '-c', idle), {
    cwd: path,
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const reader = child.stdout.getReader()
  await reader.read()
  child.kill('SIGINT')
  expect(await child.exited).toBe(130)
  expect(await new Response(child.stderr).text()).toContain('cancelled')
})

test('nodes, and a token for another one', async () => {
  const { hearth, json } = client
  const [node] = await json('nodes')
  expect(node).toMatchObject({ name: 'local', state: 'online' })
  const { code, out, err } = await hearth('nodes', 'token', '--expires', '1h', '--uses', '2')
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^hjoin_\w+\n$/) })
  expect(err).toContain(`hearth agent --server ${client.origin} --token ${out.trim()}`)
  expect(await json('nodes', 'tokens')).toMatchObject([{ uses_left: 2 }])
  await hearth('nodes', 'drain', 'local')
  expect(await json('nodes')).toMatchObject([{ name: 'local', state: 'draining' }])
  await hearth('nodes', 'undrain', 'local')
  expect((await hearth('nodes', 'drain', 'locl')).err).toContain('did you mean local?')
})

test.each([
  [['run', '--gpu', '1', 'ls'], 2, 'unknown option --gpu; did you mean --gpus?'],
  [['run'], 2, 'what is to be run?'],
  [['jobs', '--state', 'runing'], 2, 'did you mean running?'],
  [['logs', 'jzzzzz'], 1, 'no job of yours has an id that begins with jzzzzz'],
  [['logs', 'j1/../x'], 2, 'is no id of a job'],
  [['jbos'], 2, 'did you mean jobs?'],
])('%j is answered with code %d', async (args, code, message) => {
  const ended = await client.hearth(...args)
  expect({ code: ended.code, out: ended.out }).toEqual({ code, out: '' })
  expect(ended.err).toContain(message)
})

test('with --json an error is JSON too, and nothing but it', async () => {
  const { code, out, err } = await client.hearth('job', 'jzzzzz', '--json')
  expect({ code, out }).toEqual({ code: 1, out: '' })
  const message = 'no job of yours has an id that begins with jzzzzz'
  expect(JSON.parse(err)).toEqual({ error: { code: 'failed', message } })
})

test('a server that is away is told with what to do', async () => {
  const child = Bun.spawn(client.argv('jobs'), {
    env: { ...client.env, HEARTH_URL: 'http://127.0.0.1:1' },
    stderr: 'pipe',
  })
  expect(await new Response(child.stderr).text()).toBe(
    'hearth jobs: No server answers at http://127.0.0.1:1 (ECONNREFUSED). ' +
      'Start one with `hearth start`, or set HEARTH_URL to where yours is.\n',
  )
  expect(await child.exited).toBe(1)
})

test('a killed server costs a watcher neither a byte nor a repetition', async () => {
  const { hearth, path } = client
  const count = 'i=$((i+1)); echo line $i; sleep 0.01'
  const program = `i=0; while [ ! -e ${path}/enough ]; do ${count}; done`
  const running = hearth('run', '--no-folder', '--', 'sh', '-c', program)
  const lines = async () => (await hearth('logs', 'last')).out.split('\n').length
  await waitUntil('lines', async () => (await lines()) > 5)
  await client.kill()
  await client.start()
  const before = await lines()
  await waitUntil('more lines', async () => (await lines()) > before + 20)
  await Bun.write(join(path, 'enough'), '')
  const { code, out, err } = await running
  const numbers = out.trimEnd().split('\n')
  expect(code).toBe(0)
  expect(numbers).toEqual(numbers.map((_, at) => `line ${at + 1}`))
  expect(numbers.length).toBeGreaterThan(before + 20)
  expect(err).toContain('The connection to the server is lost; the job is not. Waiting.')
  expect(err).toContain('Connected again.')
})
