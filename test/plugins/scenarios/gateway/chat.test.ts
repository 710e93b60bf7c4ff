/** OpenAI's API with trained models behind it: who is listed, who answers, how it refuses. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { Registry } from '../../../../plugins/scenarios/models/registry.ts'
import type { Who } from '../../../../src/sdk.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'
import { networkFor } from '../serving/networks.ts'
import { type Offer, post, type Send } from './agent.ts'
import { agents, openDesk, origin } from './desk.ts'

const opening = scenarioOf('customer_support')?.conversation?.opening
const local: Who = { id: 0, username: 'local', isSuperuser: true, via: 'local' }
const chats = `${origin}/v1/chat/completions`
/** What says where a language model is, put back at the end. */
const languageModel = ['OPENAI_BASE_URL', 'OPENAI_API_KEY'] as const
const before = languageModel.map((name) => [name, process.env[name]] as const)

let desk: Awaited<ReturnType<typeof openDesk>>
let send: Send

beforeAll(async () => {
  for (const name of languageModel) delete process.env[name]
  desk = await openDesk()
  send = desk.send
})
afterAll(async () => {
  await desk[Symbol.asyncDispose]()
  for (const [name, value] of before) if (value !== undefined) process.env[name] = value
})

const bring = async (name: string, scenario: string): Promise<string> => {
  const query = scenario === '' ? `name=${name}` : `name=${name}&scenario=${scenario}`
  const network = networkFor(scenario || 'catch').onnx
  const reply = await send(`${origin}/api/models?${query}`, {
    method: 'POST',
    body: new Blob([network as Uint8Array<ArrayBuffer>]),
  })
  return ((await reply.json()) as { id: string }).id
}

const ask = async (url: string, body: unknown) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const reply = await send(url, { method: 'POST', body: text })
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> }
}
const look = async (path: string) => {
  const reply = await send(`${origin}${path}`)
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> }
}

interface Issue {
  readonly path: string
  readonly message: string
}

/** An error in both forms at once. */
const refusal = (status: number, code: string, message: string, errors: readonly Issue[] = []) => {
  const [field] = errors.flatMap(({ path }) => /^body\.(.+)$/.exec(path)?.[1] ?? [])
  const error = { message, type: 'invalid_request_error', param: field ?? null, code }
  const body = { error, detail: message, code, ...(errors.length > 0 && { errors }) }
  return { status, body: body as Record<string, unknown> }
}

const begin = (model?: string) =>
  post<Offer>(send, `${agents}/rollouts`, {
    scenario_id: 'customer_support',
    ...(model !== undefined && { model }),
  })

const said = [{ role: 'user', content: 'Hello' }]

/** Fields that do not fit, the first of them told. */
const misfit = (field: string, message: string, others: readonly Issue[] = []) => {
  const path = `body.${field}`
  return refusal(422, 'validation', `${path}: ${message}`, [{ path, message }, ...others])
}

test.each([
  [{ messages: [] }, 'messages', 'Expected array length to be greater or equal to 1'],
  [{ messages: 'x' }, 'messages', 'Expected array'],
  [{ messages: [{}] }, 'messages.0.role', 'Expected required property'],
  [{ messages: undefined }, 'messages', 'Expected required property'],
  [{ model: 7 }, 'model', 'Expected string'],
  [{ stream: 'yes' }, 'stream', 'Expected boolean'],
  [{ n: 0 }, 'n', 'Expected integer to be greater or equal to 1'],
])('%j is refused alike wherever a model is asked', async (change, field, message) => {
  const body = { model: 'oracle', messages: said, ...change }
  const { base_url } = await begin('oracle')
  const wanted = misfit(field, message)
  expect(await ask(chats, body)).toEqual(wanted)
  expect(await ask(`${base_url}/chat/completions`, body)).toEqual(wanted)
})

test('what is no JSON, and more than one choice, is refused alike too', async () => {
  const { base_url } = await begin('oracle')
  const message = 'must be 1: exactly one choice is answered'
  const issues = [{ path: 'body.n', message }]
  for (const url of [chats, `${base_url}/chat/completions`]) {
    expect(await ask(url, '{bad')).toEqual(
      refusal(400, 'malformed_json', 'The body is not valid JSON'),
    )
    expect(await ask(url, { model: 'oracle', messages: said, n: 2 })).toEqual(
      refusal(400, 'bad_request', `n ${message}`, issues),
    )
  }
})

test('a body that is missing or no object is refused in the same form', async () => {
  const missing = 'Expected required property'
  const messages = { path: 'body.messages', message: missing }
  expect(await ask(chats, '')).toEqual(misfit('model', missing, [messages]))
  const whole = [{ path: 'body', message: 'Expected object' }]
  expect(await ask(chats, 'null')).toEqual(
    refusal(422, 'validation', 'body: Expected object', whole),
  )
})

test('what the kernel refuses by itself is in that form as well', async () => {
  await using closed = await openDesk({ auth: 'required' })
  const reply = await closed.send(`${origin}/v1/models`)
  const message = 'Not authenticated'
  const body = (await reply.json()) as Record<string, unknown>
  expect({ status: reply.status, body }).toEqual(refusal(401, 'unauthorized', message))
  const plain = await closed.send(`${origin}/api/models`)
  expect(await plain.json()).toEqual({ detail: message, code: 'unauthorized' })
})

test('it lists and tells of those alone that it answers for', async () => {
  const spoken = await bring('spoken', 'customer_support')
  const silent = await bring('silent', 'catch')
  const homeless = await bring('homeless', '')
  const { db, clock } = desk.plugin
  const registry = new Registry({ db, blobs: memoryBlobs(), clock })
  const draft = { name: 'other', framework: 'Native', accuracy: 0, episodes: 0, test: {} }
  const scenario = { id: 'customer_support', version: 1 }
  const others = { ...draft, scenario, lineage: {}, files: [] }
  const { id: adapter } = await registry.register(local, { ...others, kind: 'adapter' })
  const { id: prompt } = await registry.register(local, { ...others, kind: 'prompt' })

  const view = (id: string) => ({
    id,
    object: 'model',
    created: Math.floor(clock.now() / 1000),
    owned_by: 'hearth',
  })
  expect(await look('/v1/models')).toEqual({
    status: 200,
    body: { object: 'list', data: [view(spoken)] },
  })
  expect(await look(`/v1/models/${spoken}`)).toEqual({ status: 200, body: view(spoken) })
  const nothing = (id: string) => `Nothing is said in catch: use /api/models/${id}/act`
  const none = (id: string) => `The model has no scenario to talk about: use /api/models/${id}/act`
  const set = 'OPENAI_BASE_URL and OPENAI_API_KEY of the server, or openaiKey in settings'
  const away = 'take it away (format=lora) to a server of language models'
  const told = [
    [silent, nothing(silent), nothing(silent)],
    [homeless, none(homeless), none(homeless)],
    [
      adapter,
      `An adapter answers on top of its base only: ${away}`,
      `An adapter answers on top of its base only: ${away}`,
    ],
    [
      prompt,
      `It asks a language model, and none is set: ${set}`,
      `${prompt} asks a language model, and none is set: ${set}`,
    ],
    ['model_x', 'Model not found', null],
  ] as const
  for (const [id, inList, asked] of told) {
    expect(await look(`/v1/models/${id}`)).toEqual(refusal(404, 'not_found', inList))
    const wanted =
      asked === null ? refusal(404, 'not_found', inList) : refusal(409, 'conflict', asked)
    expect(await ask(chats, { model: id, messages: said })).toEqual(wanted)
  }

  // Prompts are listed as soon as there is somebody for them to ask.
  process.env['OPENAI_BASE_URL'] = 'http://127.0.0.1:9/v1'
  const { body } = await look('/v1/models')
  delete process.env['OPENAI_BASE_URL']
  expect(body).toEqual({ object: 'list', data: [view(spoken), view(prompt)] })
})

test('what clients send besides is let pass, and the answer names the model', async () => {
  const model = await bring('another', 'customer_support')
  const scenario = scenarioOf('customer_support')
  if (!scenario || !opening) throw new Error('There is no desk')
  const environment = scenario.make()
  environment.reset(1, new Float32Array(scenario.spec.observations))
  const { status, body } = await ask(chats, {
    model,
    messages: [{ role: 'user', content: opening(environment), name: 'ann' }],
    temperature: 0.2,
    max_tokens: 10,
    tool_choice: 'auto',
    n: 1,
    user: 'ann',
    stream: null,
  })
  expect({ status, model: body['model'] }).toEqual({ status: 200, model })
})

test('a rollout that has a model needs no other name, and answers under its own', async () => {
  const { base_url } = await begin('oracle')
  const url = `${base_url}/chat/completions`
  const modelOf = async (body: object) => (await ask(url, body)).body['model']
  expect(await modelOf({ messages: said })).toBe('oracle')
  expect(await modelOf({ messages: said, model: 'gpt-4o' })).toBe('oracle')
  await post(send, `${base_url.slice(0, -'/v1'.length)}/end`)
  expect(await modelOf({ messages: said })).toBe('oracle')
})

test('a rollout without a model asks whom the call names, and wants a name', async () => {
  const url = `${(await begin()).base_url}/chat/completions`
  const message = 'must be given: the rollout was begun without a model'
  const issues = [{ path: 'body.model', message }]
  expect(await ask(url, { messages: said })).toEqual(
    refusal(422, 'validation', `model ${message}`, issues),
  )
  const { status, body } = await ask(url, { messages: said, model: 'heuristic' })
  expect({ status, model: body['model'] }).toEqual({ status: 200, model: 'heuristic' })
})
