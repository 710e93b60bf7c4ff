/** A prompt that a server finds: by a job, served, taken away; its key is seen nowhere. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import OpenAI from 'openai'
import { join } from 'node:path'
import type { PromptPack } from '../../../plugins/scenarios/training/prompt/pack.ts'
import { must } from '../../../scripts/command.ts'
import { type Hearth, startHearth } from '../../../scripts/hearth.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { blocksOf } from '../../examples/blocks.ts'
import { testWith } from '../needs.ts'
import { startCopyingModel } from './copying-model.ts'

const root = join(import.meta.dir, '../../..')
const document = join(root, 'docs/scenarios-language-models.md')
const interpreter = process.env['HEARTH_TEST_PYTHON'] ?? join(root, '.cache/test-venv/bin/python')

const key = 'sk-known-to-the-server-alone-0123456789'
const upstream = startCopyingModel()
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let hearth: Hearth
let model = ''

interface Status {
  readonly status: string
  readonly accuracy: number
  readonly current_episode: number
  readonly error: string | null
  readonly model_id: string | null
  readonly job_id: string
}

const call = async <T>(method: string, path: string, body?: object) => {
  const reply = await fetch(`${hearth.origin}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: reply.status, body: (await reply.json()) as T }
}

const wish = {
  scenario_id: 'customer_support',
  framework: 'Native',
  algorithm: 'prompt-opt',
  base_model: 'copying',
  max_episodes: 400,
}

const start = (fields: object = {}) =>
  call<{ session_id: string; detail?: unknown }>('POST', '/api/training/start', {
    ...wish,
    ...fields,
  })

const ended = async (session: string): Promise<Status> => {
  const look = async () => (await call<Status>('GET', `/api/training/${session}`)).body
  await waitUntil('the end', async () => (await look()).status !== 'running', 60_000)
  return look()
}

beforeAll(async () => {
  folder = await temporaryFolder()
  hearth = await startHearth({
    dataDir: join(folder.path, 'data'),
    env: { LOG_LEVEL: 'error', OPENAI_BASE_URL: upstream.url, OPENAI_API_KEY: key },
  })
}, 60_000)
afterAll(async () => {
  await hearth?.end('SIGKILL')
  await folder?.[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})

const pack = async (): Promise<PromptPack> => {
  const reply = await fetch(`${hearth.origin}/api/models/${model}/export`)
  expect(reply.headers.get('content-disposition')).toBe(`attachment; filename="${model}.json"`)
  return (await reply.json()) as PromptPack
}

test('a job finds it, and a model comes of it', async () => {
  const { body } = await start()
  const done = await ended(body.session_id)
  expect(done).toMatchObject({ status: 'completed', error: null })
  expect(done.current_episode).toBeLessThanOrEqual(400)
  model = done.model_id ?? ''
  const listed = await call<object>('GET', `/api/models/${model}`)
  const found = await pack()
  expect(listed.body).toMatchObject({
    id: model,
    kind: 'prompt',
    accuracy: (100 * found.test.successes) / found.test.episodes,
  })
  expect(found.demonstrations.length).toBeGreaterThan(0)
  expect(found.validation.successes).toBeGreaterThan(found.baseline.validation.successes)
  expect(upstream.asked.every(({ authorization }) => authorization === `Bearer ${key}`)).toBe(true)
  const evaluated = await call<object>('GET', `/api/training/${body.session_id}/evaluate`)
  expect(evaluated.status).toBe(409)
  const job = await call<object>('GET', `/api/jobs/${done.job_id}`)
  const log = await (await fetch(`${hearth.origin}/api/jobs/${done.job_id}/logs`)).text()
  expect(job.status).toBe(200)
  expect(JSON.stringify([done, job, log, found])).not.toContain(key)
}, 90_000)

test('asked as a language model it goes upstream with its prompt, and no other way', async () => {
  const client = new OpenAI({ baseURL: `${hearth.origin}/v1`, apiKey: 'none', maxRetries: 0 })
  const { system, demonstrations } = await pack()
  const first = demonstrations[0]?.[0]?.['content'] as string
  const messages = [{ role: 'user' as const, content: first }]
  const answer = await client.chat.completions.create({ model, messages })
  const [shown] = demonstrations[0]?.flatMap((one) => one['tool_calls'] ?? []) as {
    function: { name: string }
  }[]
  expect(answer.choices[0]?.message.tool_calls?.[0]).toMatchObject({
    function: { name: shown?.function.name },
  })
  expect(answer.model).toBe(model)
  const sent = upstream.asked.at(-1)
  expect(sent?.body.model).toBe('copying')
  expect(sent?.body.messages[0]).toEqual({ role: 'system', content: system })
  expect(sent?.body.messages.at(-1)).toEqual(messages[0]!)
  expect(sent?.body.messages).toHaveLength(2 + demonstrations.flat().length)
  const act = await call<{ detail: string }>('POST', `/api/models/${model}/act`, {
    observation: [0],
  })
  expect({ status: act.status, detail: act.body.detail }).toEqual({
    status: 409,
    detail: expect.stringContaining('kind prompt'),
  })
  const onnx = await call<{ detail: string }>('GET', `/api/models/${model}/export?format=onnx`)
  expect(onnx.status).toBe(409)
})

test('taken away, the pack does elsewhere what it does here', async () => {
  const { system, demonstrations, tools, model: name } = await pack()
  const client = new OpenAI({ baseURL: upstream.url, apiKey: 'of-somebody-else', maxRetries: 0 })
  type Messages = OpenAI.ChatCompletionMessageParam[]
  const shown = demonstrations.flat() as unknown as Messages
  const again = { ...shown[0], content: shown[0]?.content } as Messages[number]
  const answer = await client.chat.completions.create({
    model: name,
    messages: [{ role: 'system', content: system }, ...shown, again],
    tools: tools as unknown as OpenAI.ChatCompletionTool[],
  })
  const calls = demonstrations[0]?.[1]?.['tool_calls'] as { function: { name: string } }[]
  expect(answer.choices[0]?.message.tool_calls?.[0]).toMatchObject({
    function: { name: calls[0]?.function.name },
  })
})

testWith('python')(
  'the printed program ends with a pack and what is known of it',
  async () => {
    const [block] = blocksOf('a.md', await Bun.file(document).text())
    const text = block?.text.replaceAll('http://localhost:8000', hearth.origin) ?? ''
    const said = await must([interpreter, '-c', text])
    expect(said).toMatch(/^[1-8] demonstrations: (Better than|No improvement that the test)/)
  },
  60_000,
)

test('a key that is refused ends it with the reason, without the key', async () => {
  upstream.instead.status = 401
  try {
    const { body } = await start()
    const failed = await ended(body.session_id)
    expect(failed).toMatchObject({
      status: 'failed',
      error: 'The model upstream refuses the key that the server has for it',
    })
    const chat = await call<{ detail: string }>('POST', '/v1/chat/completions', {
      model,
      messages: [{ role: 'user', content: 'Hello' }],
    })
    expect(chat.status).toBe(502)
    expect(JSON.stringify([failed, chat])).not.toContain(key)
  } finally {
    delete upstream.instead.status
  }
}, 60_000)

test.each([
  [{ base_model: undefined }, 422, 'base_model must say which model prompt-opt is to take'],
  [{ max_episodes: 39 }, 422, 'max_episodes must be from 40 to 10000 for prompt-opt'],
  [{ lora_rank: 8 }, 422, 'lora_rank is nothing that prompt-opt takes'],
  [{ algorithm: 'bc' }, 422, 'base_model is nothing that bc takes'],
  [{ scenario_id: 'catch' }, 409, 'Nothing is said in catch that prompt-opt could learn from'],
  [{ framework: 'LangChain' }, 409, 'prompt-opt plays all its episodes itself'],
])('%p is refused with %d', async (fields, status, why) => {
  const reply = await start(fields)
  expect(reply.status).toBe(status)
  expect(JSON.stringify(reply.body.detail)).toContain(why)
})
