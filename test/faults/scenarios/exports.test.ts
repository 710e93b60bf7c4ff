/** A model taken away as a program of each framework: it runs, and plays as the model does. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from '../../../scripts/command.ts'
import { type Hearth, startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { harnessPythons } from '../../python/harnesses.ts'
import { testWith } from '../needs.ts'

const root = join(import.meta.dir, '../../..')
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let hearth: Hearth
let model = ''

const call = async <T>(method: string, path: string, body?: object) => {
  const reply = await fetch(`${hearth.origin}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: reply.status, body: (await reply.json()) as T }
}

const trained = async (scenario_id: string): Promise<string> => {
  const wish = { scenario_id, framework: 'Native', max_episodes: 100, algorithm: 'bc' }
  const begun = await call<{ session_id: string }>('POST', '/api/training/start', wish)
  const path = `/api/training/${begun.body.session_id}`
  let id: string | null = null
  await waitUntil(
    'the model',
    async () => {
      id = (await call<{ model_id: string | null }>('GET', path)).body.model_id
      return id !== null
    },
    60_000,
  )
  return id ?? ''
}

beforeAll(async () => {
  folder = await temporaryFolder()
  hearth = await startHearth({
    dataDir: join(folder.path, 'data'),
    env: { LOG_LEVEL: 'error' },
  })
  model = await trained('customer_support')
  // Where a program of its own would have installed what it needs.
  await symlink(join(root, 'node_modules'), join(folder.path, 'node_modules'))
}, 120_000)
afterAll(async () => {
  await hearth?.end('SIGKILL')
  await folder?.[Symbol.asyncDispose]()
})

const verdictIn = (said: string): unknown =>
  JSON.parse(said.split('\n').findLast((line) => line.startsWith('{')) ?? 'null')

const programs = [
  ['langchain', 'ts', process.execPath, testWith()],
  ['autogen', 'py', harnessPythons.AutoGen, testWith('harnesses')],
  ['crewai', 'py', harnessPythons.CrewAI, testWith('harnesses')],
] as const

for (const [format, extension, interpreter, runs] of programs) {
  runs(
    `${format}: the file plays episodes as the model itself`,
    async () => {
      const reply = await fetch(`${hearth.origin}/api/models/${model}/export?format=${format}`)
      const name = `${model}_${format}.${extension}`
      expect(reply.headers.get('content-disposition')).toBe(`attachment; filename="${name}"`)
      const text = await reply.text()
      expect(text).toContain(`OPENAI_BASE_URL=${hearth.origin}/v1`)
      expect(text).not.toContain('{{')
      const path = join(folder.path, name)
      await Bun.write(path, text)
      for (const episode of [0, 3]) {
        const said = await must([interpreter, path, '--episode', String(episode)], {
          cwd: folder.path,
          env: { HOME: folder.path },
        })
        const native = await call<{ verdict: object; reward: number; steps: object[] }>(
          'POST',
          '/api/scenarios/customer_support/episodes',
          { model_id: model, split: 'test', episode },
        )
        const { verdict, reward, steps } = native.body
        expect(verdictIn(said)).toMatchObject({
          verdict,
          reward,
          steps: steps.length,
        })
      }
    },
    120_000,
  )
}

test('where nothing is said there is no agent to take away', async () => {
  const silent = await trained('catch')
  expect(await call('GET', `/api/models/${silent}/export?format=crewai`)).toEqual({
    status: 409,
    body: {
      detail: 'Nothing is said in catch: an agent would have no tools there',
      code: 'conflict',
    },
  })
}, 60_000)
