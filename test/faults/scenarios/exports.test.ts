/** A model taken away as a program of each framework: it runs, and plays as the model does. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { scenarioOf } from '../../../plugins/scenarios/catalogue.ts'
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

const toldIn = (said: string): unknown =>
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
        expect(toldIn(said)).toMatchObject({
          verdict,
          reward,
          steps: steps.length,
        })
      }
    },
    120_000,
  )
}

/** What tools of one's own might answer; whatever else is called resolves the ticket. */
const answers: Readonly<Record<string, string>> = {
  search_kb: 'No article is about this.',
  lookup_user: 'The account is open; there is no warning.',
  check_payment:
    'The customer asked for a refund. Last payment: 20 dollars, 3 days ago, returnable. ' +
    'No bill is overdue.',
  check_api_docs: 'The documentation does not know this.',
  verify_identity: 'The identity is proven.',
}
const closed = 'The ticket is closed.'
const opening = 'Ticket T-1: I forgot my password and need a new one.'

const drivers = {
  ts: (name: string) => `
    import { agentOf, ask } from './${name}'
    const answers = ${JSON.stringify(answers)}
    const called = []
    const call = async (tool) => (called.push(tool), answers[tool] ?? '${closed}')
    await ask(agentOf(call), '${opening}')
    process.stdout.write(JSON.stringify({ called }))`,
  py: (name: string) =>
    [
      'import json',
      `from ${name.replace('.py', '')} import agent_of, ask`,
      `answers = ${JSON.stringify(answers)}`,
      'called = []',
      'def call(tool, arguments):',
      '    called.append(tool)',
      `    return answers.get(tool, '${closed}')`,
      `ask(agent_of(call), '${opening}')`,
      'print(json.dumps({"called": called}))',
    ].join('\n'),
} as const

/** What the model does by numbers, told the same. */
const expectedCalls = async (): Promise<string[]> => {
  const conversation = scenarioOf('customer_support')?.conversation
  const calls: { name: string; reply: string }[] = []
  while (calls.at(-1)?.reply !== closed) {
    const observation = [...(conversation?.observe({ opening, calls }) ?? [])]
    const path = `/api/models/${model}/act`
    const { name } = (await call<{ name: string }>('POST', path, { observation })).body
    calls.push({ name, reply: answers[name] ?? closed })
  }
  return calls.map(({ name }) => name)
}

for (const [format, extension, interpreter, runs] of programs) {
  runs(
    `${format}: with tools of one's own it goes on to the end, and ends`,
    async () => {
      const name = `${model}_${format}.${extension}`
      const reply = await fetch(`${hearth.origin}/api/models/${model}/export?format=${format}`)
      await Bun.write(join(folder.path, name), await reply.text())
      const driver = join(folder.path, `own.${extension}`)
      await Bun.write(driver, drivers[extension](name))
      const env = { HOME: folder.path, OPENAI_BASE_URL: `${hearth.origin}/v1` }
      const said = await must([interpreter, driver], { cwd: folder.path, env })
      expect(toldIn(said)).toEqual({ called: await expectedCalls() })
    },
    120_000,
  )
}

test('where nothing is said there is no agent to take away', async () => {
  const silent = await trained('catch')
  expect(await call('GET', `/api/models/${silent}/export?format=crewai`)).toEqual({
    status: 409,
    body: {
      detail: 'Nothing is said in catch: an agent would have no tools',
      code: 'conflict',
    },
  })
}, 60_000)
