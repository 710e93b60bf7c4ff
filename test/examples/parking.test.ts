/** The example of docs/scenarios-authors.md: looked over, brought by a plugin, trained, served. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../scripts/command.ts'
import { type Hearth, startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'

const root = join(import.meta.dir, '../..')
const example = join(root, 'docs/examples/parking')
const main = join(root, 'src/main.ts')

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let hearth: Hearth

const start = () =>
  startHearth({
    dataDir: join(folder.path, 'data'),
    cwd: folder.path,
    env: { LOG_LEVEL: 'error' },
  })

beforeAll(async () => {
  folder = await temporaryFolder()
  await mkdir(join(folder.path, 'plugins'))
  await cp(example, join(folder.path, 'plugins/parking'), { recursive: true })
  hearth = await start()
}, 60_000)
afterAll(async () => {
  await hearth?.end('SIGKILL')
  await folder?.[Symbol.asyncDispose]()
})

const call = async <T = Record<string, unknown>>(method: string, path: string, body?: object) => {
  const reply = await fetch(`${hearth.origin}/api${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: reply.status, body: (await reply.json()) as T }
}

const lint = (path: string, ...more: string[]) =>
  run([process.execPath, main, 'scenario', 'lint', path, ...more])

interface Report {
  readonly breaches: number
  readonly hash: string
  readonly rules: readonly { readonly rule: string; readonly breach: string | null }[]
}

const linted = async (path: string) => {
  const { exitCode, output } = await lint(path, '--json')
  return { exitCode, report: JSON.parse(output) as Report }
}

test('its author finds every rule kept', async () => {
  const { exitCode, output } = await lint(join(folder.path, 'plugins/parking/parking.ts'))
  expect({ exitCode, broken: /broken|not seen/.exec(output) }).toEqual({
    exitCode: 0,
    broken: null,
  })
  expect(output).toContain('kept  unsolvable')
})

test('an author who tells what is hidden finds that told, with exit code 1', async () => {
  const path = join(folder.path, 'leaking.ts')
  const text = await Bun.file(join(example, 'parking.ts')).text()
  await Bun.write(path, text.replace('into[0] = hasPermit ? 1 : 0', 'into[0] = free'))
  const { exitCode, report } = await linted(path)
  const broken = report.rules.filter(({ breach }) => breach !== null).map(({ rule }) => rule)
  expect(exitCode).toBe(1)
  expect(broken).toContain('hidden')
})

test.each([
  ['export const other = 1', 'It must export its scenario'],
  ['export const a = 1\nexport const scenario = [1, interface]', '.ts:2:29: '],
  ["import x from 'nowhere'; export const scenario = x", 'nowhere'],
  ['export const scenario = { make() {}, conversation: null, spec: { id: "A" } }', 'scenario.spec'],
  ['throw new Error("not today")', 'not today'],
])('%s is no scenario, and said to be none', async (text, why) => {
  const path = join(folder.path, `wrong-${Bun.hash(text)}.ts`)
  await Bun.write(path, text)
  const { exitCode, output } = await lint(path)
  expect({ exitCode, output }).toEqual({ exitCode: 1, output: expect.stringContaining(why) })
})

test('what is asked wrongly is answered with how', async () => {
  const { exitCode, output } = await lint('here.ts', '--random-limit', '2')
  expect({ exitCode, output }).toMatchObject({ exitCode: 2 })
  expect(output).toContain('expected a number from 0 to 1')
})

test('a plugin brings it; it is listed, trained, served, and its hash kept', async () => {
  const listed = (await call<{ id: string }[]>('GET', '/scenarios')).body
  expect(listed.find(({ id }) => id === 'parking')).toMatchObject({
    name: 'Car park',
    kind: 'module',
    status: 'ready',
    task_names: ['visitor', 'permit holder'],
  })
  const begun = await call('POST', '/training/start', {
    scenario_id: 'parking',
    framework: 'Native',
    max_episodes: 200,
  })
  const id = String(begun.body['session_id'])
  const look = async () => (await call('GET', `/training/${id}`)).body
  await waitUntil('its end', async () => (await look())['status'] !== 'running', 60_000)
  expect(await look()).toMatchObject({ status: 'completed', error: null })
  const model = String((await look())['model_id'])
  const found = await call<{ accuracy: number }>('GET', `/models/${model}`)
  expect(found.body.accuracy).toBeGreaterThan(95)
  const { report } = await linted(join(folder.path, 'plugins/parking/parking.ts'))
  expect(JSON.stringify(found.body)).toContain(report.hash)
  const episode = await call<{ verdict: object }>('POST', '/scenarios/parking/episodes', {
    model_id: model,
  })
  expect(episode.body.verdict).toMatchObject({ success: true })
}, 90_000)

test('an edit brings another version, and another hash', async () => {
  const path = join(folder.path, 'plugins/parking/parking.ts')
  const before = await linted(path)
  const text = await Bun.file(path).text()
  await Bun.write(path, text.replace("name: 'Car park'", "name: 'Multi-storey car park'"))
  await waitUntil('the new version', async () => {
    const { body } = await call('GET', '/scenarios/parking')
    return body['name'] === 'Multi-storey car park'
  })
  expect((await linted(path)).report.hash).not.toBe(before.report.hash)
  const begun = await call('POST', '/training/start', {
    scenario_id: 'parking',
    framework: 'Native',
    max_episodes: 50,
  })
  const id = String(begun.body['session_id'])
  const look = async () => (await call('GET', `/training/${id}`)).body
  await waitUntil('its end', async () => (await look())['status'] !== 'running', 60_000)
  expect(await look()).toMatchObject({ status: 'completed', error: null })
}, 90_000)

test('when its plugin is gone so is the scenario, and the model still acts', async () => {
  const models = (await call<{ id: string }[]>('GET', '/models')).body
  const model = models[0]?.id ?? ''
  await hearth.end()
  const { rm } = await import('node:fs/promises')
  await rm(join(folder.path, 'plugins/parking'), { recursive: true })
  hearth = await start()
  expect((await call('GET', '/scenarios/parking')).status).toBe(404)
  const observation = Array.from({ length: 11 }, () => 0)
  const act = await call('POST', `/models/${model}/act`, { observation })
  expect(act.body).toMatchObject({ name: 'ask_level_1' })
}, 60_000)
