/** Whether a key is good: the route, and what each provider answers. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { envelopeDialect } from '../../../../plugins/experiments/dialect.ts'
import { checkKey } from '../../../../plugins/experiments/models/check-key.ts'
import { addressesIn } from '../../../../plugins/experiments/models/providers.ts'
import { configRoutes } from '../../../../plugins/experiments/routes-config.ts'
import { definePlugin } from '../../../../src/sdk.ts'
import { type PluginUnderTest, testPlugin } from '../../../../src/testing.ts'
import { answer, failure, sendJson, success } from '../wire/rig.ts'
import { type Line, recordingLog } from './rig.ts'

/** Lists models to whoever has the key, each in its own way. */
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request): Response | Promise<Response> {
    const path = new URL(request.url).pathname
    const key =
      request.headers.get('x-api-key') ??
      request.headers.get('x-goog-api-key') ??
      request.headers.get('authorization')?.replace('Bearer ', '')
    if (key === 'busy-key') return new Response(null, { status: 529 })
    if (path === '/elsewhere') return Response.json({ data: [] })
    if (key === 'moved-key') return Response.redirect(at('elsewhere'), 302)
    if (key === 'hanging-key') return new Promise<Response>(() => undefined)
    if (key === 'odd-key') return Response.json({ data: [null, 1, { id: 2 }] })
    const status = path.startsWith('/gemini') ? 400 : 401
    if (key !== 'good-key') return Response.json({ error: { message: `no ${key}` } }, { status })
    return lists[path]?.() ?? new Response(null, { status: 404 })
  },
})

const lists: Readonly<Record<string, () => Response>> = {
  '/openai/models': () => Response.json({ data: [{ id: 'whisper-1' }, { id: 'gpt-4o' }] }),
  '/anthropic/models': () => Response.json({ data: [{ id: 'claude-sonnet-4-5' }] }),
  '/gemini/models': () => Response.json({ models: [{ name: 'models/gemini-2.5-pro' }] }),
  '/openrouter/key': () => Response.json({ data: { label: 'mine' } }),
}

const at = (name: string): string => `http://127.0.0.1:${server.port}/${name}`
const addresses = addressesIn({
  OPENAI_BASE_URL: at('openai'),
  ANTHROPIC_BASE_URL: at('anthropic'),
  GEMINI_BASE_URL: at('gemini'),
  OPENROUTER_BASE_URL: at('openrouter'),
})

const lines: Line[] = []
let plugin: PluginUnderTest

beforeAll(async () => {
  const config = definePlugin({
    id: 'configuration',
    version: '1.0.0',
    sdk: '>=0.1.0',
    dialect: envelopeDialect,
    paths: ['/api/config'],
    setup: () => ({
      routes: configRoutes({ maxFileBytes: 1024, supportedModels: ['gpt-4'], addresses }),
    }),
  })
  plugin = await testPlugin(config, { log: recordingLog(lines) })
})

afterAll(async () => {
  await plugin?.stop()
  await server.stop(true)
})

const check = async (body: unknown) =>
  answer(await sendJson(plugin.fetch, 'POST', '/api/config/validate-api-key', body))

test.each([
  ['openai', 'gpt-4o'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['gemini', 'gemini-2.5-pro'],
  ['google', 'gemini-2.5-pro'],
  ['openrouter', null],
])('a good key of %s', async (provider, model) => {
  const found = await check({ provider, apiKey: 'good-key' })
  expect(found).toEqual(success({ valid: true, provider, model }))
})

test.each(['openai', 'anthropic', 'gemini', 'openrouter'])(
  'a wrong key of %s',
  async (provider) => {
    const found = await check({ provider, apiKey: 'wrong-key' })
    expect(found).toEqual(failure(401, 'API_KEY_INVALID', `${provider} refuses this key`))
  },
)

test.each(['busy-key', 'moved-key'])('%s: nobody can tell whether it is good', async (apiKey) => {
  const found = await check({ provider: 'openai', apiKey })
  const message = 'openai could not be asked; the key may be good'
  expect(found).toEqual(failure(503, 'TIMEOUT_ERROR', message))
})

test('a provider that does not answer is not waited for', async () => {
  const asked = checkKey({ provider: 'openai', apiKey: 'hanging-key' }, addresses, 20)
  const error = await asked.catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'unavailable', reason: 'TIMEOUT_ERROR' })
})

test('a list that is none of ours is no failure', async () => {
  const found = await check({ provider: 'openai', apiKey: 'odd-key' })
  expect(found).toEqual(success({ valid: true, provider: 'openai', model: null }))
})

test.each([
  [{ provider: 'acme', apiKey: 'good-key' }, 'body.provider'],
  [{ provider: 'openai', apiKey: 'with\nbreak' }, 'body.apiKey'],
  [{ provider: 'openai', apiKey: '' }, 'body.apiKey'],
])('%o is refused', async (body, path) => {
  const { status, body: said } = await check(body)
  const issues = [expect.objectContaining({ path })]
  expect({ status, said }).toEqual({
    status: 422,
    said: expect.objectContaining({
      error: expect.objectContaining({ details: expect.objectContaining({ issues }) }),
    }),
  })
})

test('no key was logged or said back', async () => {
  const { body } = await check({ provider: 'openai', apiKey: 'wrong-key' })
  expect(JSON.stringify([lines, body])).not.toMatch(/(good|wrong|busy|moved|odd)-key/)
})
