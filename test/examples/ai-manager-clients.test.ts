/** The AI Manager API as its users meet it: the Python client, and a page that watches a run. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { run } from '../../scripts/command.ts'
import { callJson, type Hearth, startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { type TemporaryFolder, temporaryFolder } from '../../scripts/temporary.ts'
import { testWith } from '../faults/needs.ts'

const timeoutMs = 60_000
const chromium = process.env['HEARTH_TEST_CHROMIUM'] ?? Bun.which('chromium')
const python = process.env['HEARTH_TEST_PYTHON'] ?? 'python3'
let folder: TemporaryFolder
let hearth: Hearth
let token: string

if (!chromium) process.stderr.write('SKIPPED: no Chromium, set HEARTH_TEST_CHROMIUM\n')

/** Reports what the page under test says to its console. */
const told: unknown[][] = []
const pages = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  routes: {
    '/told': async (request) => {
      told.push((await request.json()) as unknown[])
      return new Response()
    },
    '/watch/:run': ({ params }) =>
      new Response(watchingPage(Number(params.run)), { headers: { 'content-type': 'text/html' } }),
  },
})
const pagesOrigin = `http://localhost:${pages.port}`

const watchingPage = (runId: number) => `<!doctype html><script>
  console.log = (...said) => fetch('/told', { method: 'POST', body: JSON.stringify(said) })
  const socket = new WebSocket('ws://${new URL(hearth.origin).host}/ws/${runId}')
  socket.onopen = () => console.log('connected')
  socket.onmessage = (event) => console.log('received', JSON.parse(event.data))
  socket.onclose = () => console.log('closed')
</script>`

beforeAll(async () => {
  folder = await temporaryFolder()
  const config = join(folder.path, 'hearth.config.json')
  const plugins = { tracking: { config: { publicReads: true } } }
  await Bun.write(config, JSON.stringify({ corsOrigins: [pagesOrigin], plugins }))
  hearth = await startHearth({ dataDir: join(folder.path, 'data'), args: ['--config', config] })
  const credentials = { username: 'user', password: 'pass' }
  await callJson(hearth.origin, '', 'POST', '/auth/register', {
    email: 'user@example.com',
    ...credentials,
  })
  const login = await fetch(`${hearth.origin}/auth/login`, {
    method: 'POST',
    body: new URLSearchParams(credentials),
  })
  token = ((await login.json()) as { access_token: string }).access_token
})

afterAll(async () => {
  await hearth.end()
  await pages.stop(true)
  await folder[Symbol.asyncDispose]()
})

const call = <T>(method: string, path: string, body?: unknown) =>
  callJson<T>(hearth.origin, token, method, path, body)

testWith('python')(
  'the Python client logs a hundred epochs under a project it makes',
  async () => {
    const script = `
from ai_manager import AIManager

manager = AIManager(
    project_name="my_project",
    api_url="${hearth.origin}",
    username="user",
    password="pass",
)

with manager.run(name="training_run") as run:
    for epoch in range(100):
        run.log({"loss": 0.5, "accuracy": 0.85}, step=epoch)
`
    const result = await run([python, '-c', script], {
      cwd: folder.path,
      env: {
        HEARTH_DIR: join(folder.path, 'spool'),
        HEARTH_TOKEN: undefined,
        HEARTH_URL: undefined,
        HEARTH_MODE: undefined,
        PYTHONPATH: join(import.meta.dir, '../../sdk/python'),
        PYTHONDONTWRITEBYTECODE: '1',
      },
    })
    expect(result).toEqual({ exitCode: 0, output: '' })
    const projects = await call<{ id: number; name: string }[]>('GET', '/projects/')
    const project = projects.find(({ name }) => name === 'my_project')
    const runs = await call<Record<string, unknown>[]>('GET', `/runs/?project_id=${project?.id}`)
    expect(runs.map(({ name, status }) => ({ name, status }))).toEqual([
      { name: 'training_run', status: 'completed' },
    ])
    const epochs = Array.from({ length: 100 }, (_, epoch) => epoch)
    for (const [name, value] of Object.entries({ loss: 0.5, accuracy: 0.85 })) {
      expect(await call('GET', `/metrics/${runs[0]?.['id']}/history/${name}`)).toMatchObject({
        name,
        values: epochs.map(() => value),
        steps: epochs,
      })
    }
  },
  timeoutMs,
)

test.skipIf(!chromium)(
  'a page without a login watches a run of a public project',
  async () => {
    const project = await call<{ id: number }>('POST', '/projects/', {
      name: 'Shown to all',
      is_public: true,
    })
    const { id } = await call<{ id: number }>('POST', `/runs/?project_id=${project.id}`, {
      name: 'watched',
    })
    const browser = Bun.spawn(
      [
        chromium as string,
        ...'--headless --no-sandbox --disable-gpu --disable-quic --no-first-run'.split(' '),
        ...'--disable-background-networking --disable-component-update --disable-sync'.split(' '),
        `--user-data-dir=${join(folder.path, 'profile')}`,
        '--remote-debugging-port=0', // keeps the page open
        `${pagesOrigin}/watch/${id}`,
      ],
      { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
    )
    try {
      await waitUntil('the page to connect', () => told.length === 1)
      const point = await call('POST', `/metrics/${id}`, { name: 'loss', value: 0.5, step: 1 })
      await waitUntil('the page to be told', () => told.length === 2)
      expect(told).toEqual([['connected'], ['received', point]])
    } finally {
      browser.kill()
      await browser.exited
    }
  },
  timeoutMs,
)

test.each([
  ['without a login', '', 401],
  ['for a run that is not there', 'login', 404],
])('a socket %s is refused before it opens', async (_, login, status) => {
  const project = await call<{ id: number }>('POST', '/projects/', { name: 'Private' })
  const { id } = await call<{ id: number }>('POST', `/runs/?project_id=${project.id}`, {
    name: 'unseen',
  })
  const path = login === '' ? `/ws/${id}` : `/ws/${id + 1}?token=${token}`
  const reply = await fetch(hearth.origin + path, {
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  })
  expect(reply.status).toBe(status)
})
