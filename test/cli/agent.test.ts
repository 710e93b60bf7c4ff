/** `hearth agent` against a real server: joining, working, leaving and coming back. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const main = join(import.meta.dir, '../../src/main.ts')
const folder = mkdtempSync(join(tmpdir(), 'hearth-agent-cli-'))
const children = new Set<Bun.Subprocess>()

const hearth = (args: string[], env: Record<string, string> = {}) => {
  const child = Bun.spawn([process.execPath, main, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, LOG_LEVEL: 'warn', ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  children.add(child)
  return child
}

/** The first line that a program prints: it is ready then. */
const firstLine = async (child: ReturnType<typeof hearth>): Promise<string> => {
  const reader = child.stdout.getReader()
  let text = ''
  while (!text.includes('\n')) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`it ended: ${await new Response(child.stderr).text()}`)
    text += Buffer.from(value).toString()
  }
  reader.releaseLock()
  return text.split('\n')[0] ?? ''
}

let server = ''
const ask = async <T>(path: string, init?: RequestInit): Promise<T> => {
  const reply = await fetch(`${server}${path}`, init)
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
  return (reply.status === 204 ? null : await reply.json()) as T
}
const post = <T>(path: string, body: object) =>
  ask<T>(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
interface Job {
  readonly id: string
  readonly state: string
  readonly node: string | null
  readonly outcome: { readonly exit_code: number | null } | null
}
const logOf = async (id: string) => (await fetch(`${server}/api/jobs/${id}/logs`)).text()

const until = async <T>(look: () => Promise<T | null | false>): Promise<T> => {
  for (;;) {
    const found = await look()
    if (found) return found
    await Bun.sleep(20)
  }
}
const ended = (id: string) =>
  until(async () => {
    const job = await ask<Job>(`/api/jobs/${id}`)
    return ['succeeded', 'failed', 'cancelled'].includes(job.state) && job
  })
const newToken = async () =>
  (await post<{ token: string }>('/api/nodes/tokens', { uses: 1, expires_in_s: 60 })).token

beforeAll(async () => {
  const child = hearth(['start'], {
    PORT: '0',
    DATA_DIR: join(folder, 'data'),
    LOCAL_SLOTS: '0',
  })
  server = (await firstLine(child)).replace('listening on ', '')
}, 20_000)

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all([...children].map(({ exited }) => exited))
  rmSync(folder, { recursive: true, force: true })
})

test('a machine joins once, works, leaves what runs and takes it up again', async () => {
  const state = join(folder, 'node')
  const go = join(folder, 'go')
  const args = ['agent', '--server', server, '--state', state, '--name', 'gpu-box']
  const joined = [...args, '--labels', 'ssd,site=berlin', '--slots', '1']
  const first = hearth([...joined, '--token', await newToken()])
  expect(await firstLine(first)).toMatch(/^node n\w+ works for http/)
  expect(statSync(join(state, 'node.json')).mode & 0o777).toBe(0o600)

  const other = hearth(args)
  expect([await other.exited, await new Response(other.stderr).text()]).toEqual([
    1,
    `hearth: ${state} is in use by the agent with process id ${first.pid}: ` +
      'stop it, or give --state another folder\n',
  ])

  const script = `echo before; while [ ! -e ${go} ]; do sleep 0.05; done; echo after; exit 3`
  const { id } = await post<Job>('/api/jobs', {
    plan: { command: ['sh', '-c', script], needs: { labels: ['site=berlin'] } },
  })
  await until(async () => (await logOf(id)) === 'before\n')
  first.kill('SIGTERM')
  expect(await first.exited).toBe(0)
  expect((await ask<Job>(`/api/jobs/${id}`)).state).toBe('running')
  await Bun.write(go, '')

  // No token any more: the credential is the node's own.
  const second = hearth([...args, '--labels', 'ssd', '--drain', 'wait'])
  const job = await ended(id)
  expect([job.state, job.outcome?.exit_code, job.node, await logOf(id)]).toEqual([
    'failed',
    3,
    'gpu-box',
    'before\nafter\n',
  ])
  const [node] = await ask<{ id: string; name: string; labels: string[] }[]>('/api/nodes')
  expect([node?.name, node?.labels.includes('ssd')]).toEqual(['gpu-box', true])
  second.kill('SIGTERM')
  expect(await second.exited).toBe(0)
  expect(existsSync(join(state, 'attempts', `${id}-1`))).toBe(false)

  await ask(`/api/nodes/${node?.id}`, { method: 'DELETE' })
  const revoked = hearth(args)
  expect(await revoked.exited).toBe(78)
  expect(await new Response(revoked.stderr).text()).toContain('the server refuses this node')
}, 30_000)

test('with --drain wait it sees what runs through before it leaves', async () => {
  const state = join(folder, 'patient')
  const go = join(folder, 'go-on')
  const child = hearth([
    ...['agent', '--server', server, '--state', state, '--token', await newToken()],
    ...['--drain', 'wait', '--labels', 'patient'],
  ])
  await firstLine(child)
  const script = `echo up; while [ ! -e ${go} ]; do sleep 0.05; done`
  const plan = { command: ['sh', '-c', script], needs: { labels: ['patient'] } }
  const { id } = await post<Job>('/api/jobs', { plan })
  await until(async () => (await logOf(id)) === 'up\n')
  child.kill('SIGTERM')
  await until(async () =>
    (await ask<{ state: string }[]>('/api/nodes')).some(({ state }) => state === 'draining'),
  )
  await Bun.write(go, '')
  expect([await child.exited, (await ended(id)).state]).toEqual([0, 'succeeded'])
}, 30_000)

test.each([
  ['no token', [], 'give it a join token with --token'],
  ['a token that is none', ['--token', 'hjoin_wrong'], 'the server refuses this node'],
])(
  '%s: the reason is said',
  async (name, more, reason) => {
    const state = join(folder, name.replaceAll(' ', '-'))
    const child = hearth(['agent', '--server', server, '--state', state, ...more])
    expect(await child.exited).toBeGreaterThan(0)
    expect(await new Response(child.stderr).text()).toContain(reason)
  },
  20_000,
)

test('a state folder of another server keeps its credential to itself', async () => {
  const state = join(folder, 'moved')
  const child = hearth(['agent', '--server', server, '--state', state, '--token', await newToken()])
  await firstLine(child)
  child.kill('SIGTERM')
  await child.exited
  const seen: string[] = []
  await using stranger = Bun.serve({
    port: 0,
    fetch(request) {
      seen.push(request.url)
      return new Response()
    },
  })
  const moved = hearth(['agent', '--server', stranger.url.origin, '--state', state])
  expect([await moved.exited, seen]).toEqual([1, []])
  expect(readFileSync(join(state, 'node.json'), 'utf8')).toContain(server)
}, 30_000)
