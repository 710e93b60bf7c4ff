/** What each printed example needs around it, and what must have come of it. */
import { expect } from 'bun:test'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { testPlugin } from '../../src/testing.ts'
import { moduleOf, type Workbench } from './workbench.ts'

export type Example = (bench: Workbench, text: string) => Promise<void>

const guestbook = join(import.meta.dir, '../../docs/examples/guestbook')

/** Without a line that cannot run here; fails when the line is no longer printed. */
const without = (text: string, line: string): string => {
  expect(text).toContain(line)
  return text.replace(line, '')
}

/** The client comes by PYTHONPATH: its installation would need an index of packages. */
const installation = 'pip install ./sdk/python'

interface History {
  readonly values: number[]
  readonly steps: number[]
}

const historyOf = async (bench: Workbench, run: number, name: string) => {
  const { values, steps } = await bench.call<History>('GET', `/metrics/${run}/history/${name}`)
  return { values, steps }
}

const statusOf = async (bench: Workbench, run: number) =>
  (await bench.call('GET', `/runs/${run}`))['status']

const hundred = Array.from({ length: 100 }, (_, step) => step)

/** `bun run start`, in the repository, as a newcomer would. */
export const startsTheServer: Example = async (bench, text) => {
  const server = Bun.spawn(['bash', '-c', `exec ${text.trim()}`], {
    cwd: join(import.meta.dir, '../..'),
    env: { ...process.env, PORT: '0', DATA_DIR: join(bench.path, 'newcomer') },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  let said = ''
  const listen = async () => {
    const decoder = new TextDecoder()
    for await (const chunk of server.stdout) said += decoder.decode(chunk, { stream: true })
  }
  const heard = listen()
  const address = () => /^listening on (http:\S+)$/m.exec(said)?.[1]
  await waitUntil('the server to listen', () => address() !== undefined)
  const pages = ['/docs', '/redoc'].map((path) => fetch(`${address()}${path}`))
  expect((await Promise.all(pages)).map(({ status }) => status)).toEqual([200, 200])
  server.kill()
  expect(await server.exited).toBe(0)
  await heard
}

export const registersTheFirstUser: Example = async (bench, text) => {
  const said = await bench.shell(without(text, installation))
  expect(JSON.parse(said)).toMatchObject({ id: 1, username: 'me', is_superuser: true })
}

export const runsAJob: Example = async (bench, text) => {
  const said = await bench.shell(text)
  expect(said).toStartWith('hello from a job\n')
  expect(said).toMatch(/succeeded +local .* python3/)
}

export const submitsByCurl: Example = async (bench, text) => {
  const job = JSON.parse(await bench.shell(text))
  expect(job).toMatchObject({ kind: 'command', name: 'python train.py', state: 'queued' })
}

export const logsAFirstRun: Example = async (bench, text) => {
  expect(await bench.python(text)).toBe('')
  const token = await bench.logIn('me', 'correct horse')
  expect(await historyOf(bench, 1, 'loss')).toEqual({
    values: hundred.map((epoch) => 1 / (epoch + 1)),
    steps: hundred,
  })
  // The address printed below the example.
  const socket = new WebSocket(`ws://localhost:${bench.port}/ws/1?token=${token}&since=0`)
  const first = await new Promise<string>((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(String(data))
    socket.onclose = () => reject(new Error('closed'))
  })
  socket.close()
  expect(JSON.parse(first)).toMatchObject({ id: 1, run_id: 1, step: 0 })
}

export const isAConfiguration: Example = async (bench, text) => {
  await Bun.write(join(bench.path, 'hearth.config.json'), text)
  await cp(guestbook, join(bench.path, 'guestbook'), { recursive: true })
  const hearth = await startHearth({ dataDir: join(bench.path, 'configured'), cwd: bench.path })
  const named = Object.keys((JSON.parse(text) as { plugins: object }).plugins)
  const running = [...new Set([...named, 'tracking'])]
  const health = await fetch(`${hearth.origin}/health`)
  expect(await health.json()).toMatchObject({
    status: 'healthy',
    plugins: Object.fromEntries(running.map((id) => [id, { state: 'running' }])),
  })
  expect(await hearth.end()).toBe(0)
}

export const followsARun: Example = async (bench, text) => {
  const token = await bench.signUp('ada', 'analytical engine')
  await bench.call('POST', '/projects/', { name: 'followed' })
  await bench.call('POST', '/runs/?project_id=1', { name: 'followed' })
  const url = bench.origin.replace('http', 'ws')
  const given = [
    `url, run, token = ${JSON.stringify(url)}, 1, ${JSON.stringify(token)}`,
    'def show(point): print(point["step"], flush=True)',
  ]
  const shown = () => follower.output().trim().split('\n').map(Number)
  const follower = await bench.follow([...given, text].join('\n'))
  try {
    for (let step = 0; step < 20; step++) {
      await bench.call('POST', '/metrics/1', { name: 'loss', value: 1, step })
      if (step % 5 !== 4) continue
      await waitUntil('the points to be shown', () => shown().length >= step + 1)
      if (step < 15) await bench.killAndStart()
    }
    expect(shown()).toEqual(Array.from({ length: 20 }, (_, step) => step))
  } finally {
    await follower.stop()
  }
}

export const isAChannel: Example = async (bench, text) => {
  await using module = await moduleOf(`
    import { type Channel, definePlugin, HearthError, router, type Who } from 'hearth'
    const points = {
      async *after(run: number, since: number) {
        yield [{ cursor: since + 1, data: { run } }]
      },
    }
    const readable = async (who: Who | null, run?: string) => {
      if (!who || run !== '7') throw new HearthError('not_found')
      return { id: 7 }
    }
    ${text}
    export default definePlugin({
      id: 'printed', version: '1.0.0', sdk: '^0.1.0',
      setup: () => ({ routes: router(), channels: [channel] }),
    })`)
  await Bun.write(
    join(bench.path, 'hearth.config.json'),
    JSON.stringify({ plugins: { printed: { path: module.path }, tracking: { enabled: false } } }),
  )
  const hearth = await startHearth({ dataDir: join(bench.path, 'channel'), cwd: bench.path })
  const address = hearth.origin.replace('http', 'ws')
  const hear = (run: number) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(`${address}/ws/${run}?since=4`)
      socket.onmessage = ({ data }) => {
        resolve(String(data))
        socket.close()
      }
      socket.onerror = () => resolve('refused')
    })
  expect([await hear(7), await hear(8)]).toEqual(['{"run":7}', 'refused'])
  expect(await hearth.end()).toBe(0)
}

export const isASetup: Example = async (_, text) => {
  await using module = await moduleOf(`
    import { type Channel, definePlugin, router } from 'hearth'
    let started = false
    const routes = router().get('/printed', () => ({ started }))
    const channels: Channel[] = []
    const services = {}
    const start = async () => { started = true }
    const stop = async () => { started = false }
    export default definePlugin({
      id: 'printed', version: '1.0.0', sdk: '^0.1.0', ${text}
    })`)
  const { default: plugin } = (await import(module.path)) as { default: never }
  await using printed = await testPlugin(plugin)
  expect(await (await printed.fetch('/printed')).json()).toEqual({ started: true })
}

export const testsAPlugin: Example = async (_, text) => {
  await using module = await moduleOf(`
    import { testPlugin } from 'hearth/testing'
    import guestbook from '${guestbook}/index.ts'
    export const example = async () => {
      ${text}
      return { status: reply.status, body: await reply.json(), published: book.published }
    }`)
  const { example } = (await import(module.path)) as { example(): Promise<unknown> }
  expect(await example()).toEqual({ status: 200, body: [], published: [] })
}

export const logsIn: Example = async (bench, text) => {
  await bench.signUp('ada', 'analytical engine')
  const [known, registering] = without(text, installation).trim().split('\n') as [string, string]
  const kept = [
    await bench.shell(registering, { input: 'me\n', env: { HEARTH_PASSWORD: 'correct horse' } }),
    await bench.shell(known, { input: 'ada\n', env: { HEARTH_PASSWORD: 'analytical engine' } }),
  ]
  for (const said of kept) expect(said).toContain(`key kept in ${join(bench.path, 'home/.hearth')}`)
}

export const logsARun: Example = async (bench, text) => {
  await Bun.write(join(bench.path, 'model.pt'), 'weights')
  await bench.python(text)
  const run = await bench.call('GET', '/runs/1')
  expect(run).toMatchObject({
    name: 'sgd, small steps',
    status: 'completed',
    config: { lr: 0.01, warmup: 100 },
    tags: ['kept'],
    notes: 'does a smaller step help?',
  })
  expect(await historyOf(bench, 1, 'loss')).toEqual({ values: [0.5], steps: [1] })
  expect(await historyOf(bench, 1, 'val/accuracy')).toEqual({ values: [0.9], steps: [1] })
  expect(await bench.call('GET', '/runs/1/artifacts')).toMatchObject([{ path: 'model.pt' }])
}

export const usesAIManager: Example = async (bench, text) => {
  await bench.signUp('user', 'pass')
  expect(await bench.python(text)).toBe('')
  expect(await statusOf(bench, 2)).toBe('completed')
  expect(await historyOf(bench, 2, 'accuracy')).toEqual({ values: [0.85], steps: [0] })
}

export const tracksByCurl: Example = async (bench, text) => {
  await bench.shell(text, { env: { T: await bench.signUp('ada', 'analytical engine') } })
  expect(await bench.call('GET', '/runs/1')).toMatchObject({
    project_id: 1,
    name: 'First try',
    config: { lr: 0.001 },
    tags: ['demo'],
    status: 'completed',
  })
  expect(await historyOf(bench, 1, 'train/accuracy')).toEqual({ values: [0.85], steps: [1] })
}

export const isABatch: Example = async (bench, text) => {
  const before = (await historyOf(bench, 1, 'loss')).steps.length
  const log = () => bench.call('POST', '/metrics/1/batch', JSON.parse(text) as unknown)
  const reply = await log()
  expect(reply).toMatchObject({ message: 'Logged 2 metrics successfully', stored: 2, repeated: 0 })
  await log()
  expect((await historyOf(bench, 1, 'loss')).steps).toHaveLength(before + 2)
}

/** Taken by the server as it is printed; what it does is tested where it is built. */
export const isAPlan: Example = async (bench, text) => {
  const plan: unknown = JSON.parse(text)
  const job = await bench.call<{ id: string }>('POST', '/api/jobs', { plan })
  expect(await bench.call('POST', `/api/jobs/${job.id}/cancel`)).toMatchObject({ id: job.id })
}

export const isASearch: Example = async (bench, text) => {
  await bench.call('PUT', '/runs/1', { name: 'a ResNet' })
  await bench.call('POST', '/metrics/1', { name: 'loss', value: 0.25, step: 3 })
  const found = await bench.call('POST', '/runs/search', JSON.parse(text) as unknown)
  expect(found).toMatchObject({
    runs: [{ id: 1, name: 'a ResNet', metrics: { loss: 0.25 }, params: { lr: 0.001 } }],
    next_cursor: null,
    total: 1,
  })
}

/** The README's script, run by the README's commands. */
let trainingScript = ''
export const isTheTrainingScript: Example = async (_, text) => {
  trainingScript = text
}
export const trains: Example = async (bench, text) => {
  await Bun.write(join(bench.path, 'train.py'), trainingScript)
  await Bun.write(join(bench.path, 'model.pkl'), 'weights')
  const password = 'correct horse'
  await bench.shell(without(text, installation), {
    input: 'me\n',
    env: { HEARTH_PASSWORD: password },
  })
  await bench.logIn('me', password)
  expect(await historyOf(bench, 1, 'train/loss')).toEqual({
    values: hundred.map((step) => 1 / (step + 1)),
    steps: hundred,
  })
  expect(await bench.call('GET', '/runs/1/artifacts')).toMatchObject([{ path: 'model.pkl' }])
}

export const trainsAnAgent: Example = async (bench, text) => {
  const printed = await bench.python(text)
  expect(printed).toMatch(/^2000 episodes \d+\.\d%\nTrue\n$/)
  expect(Number(/ ([\d.]+)%/.exec(printed)?.[1])).toBeGreaterThan(95)
}
