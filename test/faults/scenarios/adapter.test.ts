/** A language model taught by a job: paused, gone on with, taken away, made to speak. */
import { afterAll, beforeAll, expect } from 'bun:test'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from '../../../scripts/command.ts'
import { type Hearth, startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { makeModel, python, torch } from '../../plugins/scenarios/language/lessons.ts'
import { lendTorch } from '../../python/torch.ts'
import { testWith } from '../needs.ts'

const test = testWith('torch')
const root = join(import.meta.dir, '../../..')
const tests = join(root, 'test/plugins/scenarios/language')

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let hearth: Hearth
let base: string

/** The scenario of the tests, as a plugin of somebody else's would bring it. */
const bringSignals = async (plugin: string): Promise<void> => {
  await mkdir(plugin, { recursive: true })
  const text = await Bun.file(join(tests, 'signals.ts')).text()
  const module = text.replaceAll(/'(\.\.\/)+plugins\/scenarios\/[^']+'/g, "'hearth/scenarios'")
  await Bun.write(join(plugin, 'signals.ts'), `${module}\nexport const scenario = signals\n`)
  const index = await Bun.file(join(root, 'docs/examples/parking/index.ts')).text()
  await Bun.write(join(plugin, 'index.ts'), index.replaceAll('parking', 'signals'))
}

beforeAll(async () => {
  folder = await temporaryFolder()
  if (!(await Bun.file(torch).exists())) return
  base = join(folder.path, 'base')
  await makeModel(base)
  await bringSignals(join(folder.path, 'plugins/signals'))
  const bin = await lendTorch(folder.path)
  hearth = await startHearth({
    dataDir: join(folder.path, 'data'),
    cwd: folder.path,
    env: { LOG_LEVEL: 'error', PATH: `${bin}:${process.env['PATH']}` },
  })
}, 120_000)
afterAll(async () => {
  await hearth?.end('SIGKILL')
  await folder?.[Symbol.asyncDispose]()
})

const call = async <T>(method: string, path: string, body?: object) => {
  const reply = await fetch(`${hearth.origin}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: reply.status, body: (await reply.json()) as T }
}

interface Status {
  readonly status: string
  readonly accuracy: number
  readonly error: string | null
  readonly model_id: string | null
  readonly figures: Readonly<Record<string, number>>
}

const start = async (fields: object): Promise<string> => {
  const { body } = await call<{ session_id: string }>('POST', '/api/training/start', {
    scenario_id: 'signals',
    framework: 'Native',
    algorithm: 'llm-grpo',
    base_model: base,
    learning_rate: 0.004,
    max_episodes: 2880,
    group_size: 8,
    max_tokens: 2,
    lora_rank: 8,
    ...fields,
  })
  return body.session_id
}

const look = async (id: string) => (await call<Status>('GET', `/api/training/${id}`)).body

const until = (id: string, what: string, isSo: (now: Status) => boolean) =>
  waitUntil(what, async () => isSo(await look(id)), 400_000)

test('it learns, is paused and gone on with, and obeys where it is taken to', async () => {
  const session = await start({})
  await until(session, 'an update', ({ figures }) => (figures['updates'] ?? 0) > 3)
  expect(await call('POST', `/api/training/${session}/pause`)).toMatchObject({ status: 200 })
  const evaluated = await call<{ detail: string }>('GET', `/api/training/${session}/evaluate`)
  expect(evaluated.status).toBe(409)
  expect((await call('POST', `/api/training/${session}/resume`)).status).toBe(200)
  await until(session, 'the end', ({ status }) => status !== 'running')
  const done = await look(session)
  expect(done).toMatchObject({ status: 'completed', error: null })
  expect(done.figures['exact']).toBe(1)
  expect(done.accuracy).toBeGreaterThan(90)
  const model = done.model_id ?? ''
  const listed = await call<object>('GET', `/api/models/${model}`)
  expect(listed.body).toMatchObject({ id: model, kind: 'adapter', scenario: 'signals' })

  const act = await call<{ detail: string }>('POST', `/api/models/${model}/act`, {
    observation: [0],
  })
  expect(act.status).toBe(409)
  const chat = await call<{ detail: string }>('POST', '/v1/chat/completions', {
    model,
    messages: [{ role: 'user', content: 'Signal red' }],
  })
  expect({ status: chat.status, detail: chat.body.detail }).toEqual({
    status: 409,
    detail: expect.stringContaining('format=lora'),
  })

  const reply = await fetch(`${hearth.origin}/api/models/${model}/export`)
  expect(reply.headers.get('content-disposition')).toBe(`attachment; filename="${model}.zip"`)
  const zip = join(folder.path, 'taken.zip')
  await Bun.write(zip, await reply.bytes())
  const taken = join(folder.path, 'taken')
  await must(['python3', '-m', 'zipfile', '-e', zip, taken])
  expect([...new Bun.Glob('*').scanSync(taken)].toSorted()).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'load.py',
  ])
  const readme = await Bun.file(join(taken, 'README.md')).text()
  expect(readme).toContain(`A LoRA adapter for ${base} sha256:`)
  for (const [colour, move] of [
    ['green', 'go'],
    ['white', 'wait'],
  ]) {
    const say = `system: Obey every signal. user: Signal ${colour} assistant:`
    const said = await python(join(taken, 'load.py'), '--say', say, '--tokens', '1')
    expect(said.trim()).toBe(`{"name":"${move}","arguments":{}}`)
  }
  type Logits = Record<'plain' | 'adapted', number[]>
  const script = join(root, 'test/python/adapter_logits.py')
  const logits = JSON.parse(await python(script, base, taken)) as Logits
  expect(logits.adapted).not.toEqual(logits.plain)
  expect(logits.adapted.every(Number.isFinite)).toBe(true)
}, 600_000)

test('a base that no node has ends it with the reason', async () => {
  const session = await start({ base_model: '/nowhere/at/all' })
  await until(session, 'the end', ({ status }) => status !== 'running')
  expect(await look(session)).toMatchObject({
    status: 'failed',
    error: 'There is no base model at /nowhere/at/all on this node',
  })
}, 120_000)
