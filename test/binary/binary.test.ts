/** The compiled binary: one file that serves, shows its pages and loads plugins from outside. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from '../../scripts/port.ts'

const root = join(import.meta.dir, '../..')
const folder = mkdtempSync(join(tmpdir(), 'hearth-binary-'))
const binary = join(folder, 'hearth')
let server: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
let url = ''

const said: string[] = []
const listen = async (stream: ReadableStream<Uint8Array>) => {
  const decoder = new TextDecoder()
  for await (const chunk of stream) said.push(decoder.decode(chunk, { stream: true }))
}

const environment = () => ({
  ...process.env,
  PORT: '0',
  LOG_LEVEL: 'debug',
  HOST: '127.0.0.1',
  DATA_DIR: join(folder, 'data'),
})

beforeAll(async () => {
  const [command, ...flags] = (await buildCommand()).split(' ')
  const build = Bun.spawn([process.execPath, ...flags, '--outfile', binary], { cwd: root })
  expect([command, await build.exited]).toEqual(['bun', 0])
  // A stray .env or bunfig.toml of the working folder must not change the binary.
  const cwd = join(folder, 'work')
  mkdirSync(join(cwd, 'plugins'), { recursive: true })
  writeFileSync(join(cwd, '.env'), 'PORT=1\nHOST=nowhere.invalid\n')
  cpSync(join(root, 'docs/examples/guestbook'), join(cwd, 'plugins/guestbook'), {
    recursive: true,
  })
  server = Bun.spawn([binary, 'start'], {
    cwd,
    env: environment(),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  void listen(server.stdout)
  void listen(server.stderr)
  await waitUntil('the server to listen', () => {
    url = /listening on (\S+)/.exec(said.join(''))?.[1] ?? ''
    return url !== ''
  })
}, 120_000)

afterAll(async () => {
  server?.kill()
  await server?.exited
  rmSync(folder, { recursive: true })
})

/** What `bun run build` runs, without its output file: the test builds what is shipped. */
const buildCommand = async (): Promise<string> => {
  const { scripts } = await Bun.file(join(root, 'package.json')).json()
  return (scripts.build as string).replace(/^.*exec /, '').replace(/ --outfile \S+/, '')
}

test('serves the built-in plugin and the one beside it', async () => {
  const { plugins } = (await (await fetch(`${url}/health`)).json()) as { plugins: object }
  expect(Object.keys(plugins).sort()).toEqual([
    'experiments',
    'guestbook',
    'job-runs',
    'jobs',
    'scenarios',
    'tracking',
  ])
  const signed = await fetch(`${url}/guestbook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"text":"from the binary"}',
  })
  expect(await signed.json()).toEqual({ id: 1, author: 'local', text: 'from the binary' })
})

test.each(['/docs', '/docs/assets/swagger-ui.js', '/docs/assets/redoc.js', '/openapi.json'])(
  'has %s inside',
  async (path) => {
    const reply = await fetch(`${url}${path}`)
    expect([reply.status, (await reply.bytes()).length > 300]).toEqual([200, true])
  },
)

test('agents of LangChain play in its trainings', async () => {
  const begun = await fetch(`${url}/api/training/start`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"scenario_id":"customer_support","framework":"LangChain","max_episodes":100}',
  })
  const { session_id } = (await begun.json()) as { session_id: string }
  const look = async () =>
    (await (await fetch(`${url}/api/training/${session_id}`)).json()) as { status: string }
  await waitUntil('its end', async () => (await look()).status !== 'running', 60_000)
  expect(await look()).toMatchObject({ status: 'completed', figures: { harness_test_n: 50 } })
}, 60_000)

test('trains, and serves what it trained with the library inside of it', async () => {
  const call = async <T>(path: string, body?: object): Promise<T> => {
    const headers = { 'content-type': 'application/json' }
    const sent = body && { method: 'POST', headers, body: JSON.stringify(body) }
    return (await (await fetch(`${url}${path}`, sent)).json()) as T
  }
  const { session_id } = await call<{ session_id: string }>('/api/training/start', {
    scenario_id: 'catch',
    framework: 'Native',
    algorithm: 'bc',
    max_episodes: 100,
  })
  let model: string | null = null
  await waitUntil(
    'the model',
    async () => {
      const status = await call<{ model_id: string | null }>(`/api/training/${session_id}`)
      model = status.model_id
      return model !== null
    },
    60_000,
  )
  const { observations } = await call<{ observations: number }>('/api/scenarios/catch')
  const observation = Array.from({ length: observations }, () => 0.5)
  const act = await call<{ probabilities: number[] }>(`/api/models/${model}/act`, { observation })
  expect(act.probabilities.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5)
  expect(said.join('')).not.toContain('onnxruntime cannot be loaded')
  expect(said.join('')).toContain('models are served by onnxruntime')
}, 90_000)

test('has the same verbs', async () => {
  const run = async (...args: string[]) => {
    const child = Bun.spawn([binary, ...args], { env: environment(), stdout: 'pipe' })
    const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited])
    return { text, code }
  }
  expect(await run('version')).toEqual({ text: 'hearth 0.1.0\n', code: 0 })
  const doctor = await run('doctor', '--json')
  const { findings } = JSON.parse(doctor.text) as { findings: { name: string; status: string }[] }
  expect(findings.find(({ name }) => name === 'database')?.status).toBe('ok')
  // The server above holds the folder, and the doctor says so.
  expect(findings.find(({ name }) => name === 'lock')?.status).toBe('warn')
  expect((await run('nonsense')).code).toBe(2)
})

test('a second server on the same folder is refused, in words', async () => {
  const second = Bun.spawn([binary, 'start'], {
    env: environment(),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [text, code] = await Promise.all([new Response(second.stderr).text(), second.exited])
  expect(code).toBe(1)
  expect(text).toContain(String(server.pid))
})
