/** What callers meet on the way to a plugin: dialects, methods, bodies, headers, refusals. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createLogger } from '../../src/kernel/log.ts'
import { type Dialect, definePlugin, HearthError, type Logger, router, t } from '../../src/sdk.ts'
import { type PluginUnderTest, testPlugin } from '../../src/testing.ts'

/** A dialect unlike the kernel's own, so that a mix-up shows. */
const envelope: Dialect = {
  error: ({ status, code, message, issues }) => ({ success: false, status, code, message, issues }),
  success: (data) => ({ success: true, data }),
}

const echo = definePlugin({
  id: 'echo',
  version: '1.0.0',
  sdk: '*',
  dialect: envelope,
  paths: ['/echo'],
  setup: ({ log }) => ({
    routes: router()
      .get('/echo/', () => ({ n: 1 }), { response: t.Object({ n: t.Number() }) })
      .post('/echo/', ({ body }) => body, { body: t.Object({ n: t.Number() }) })
      .get('/echo/:id', ({ params }) => params, { params: t.Object({ id: t.Integer() }) })
      .get('/echo/logs', async () => {
        await null
        log.info('from deep inside')
        return {}
      })
      .get('/echo/who', ({ who }) => ({ name: who.username }))
      .get('/echo/broken', () => ({ n: 'text' }) as never, {
        response: t.Object({ n: t.Number() }),
      })
      .get('/echo/throws', () => {
        throw new Error('secret dsn postgres://me:hunter2@db/x')
      })
      .get('/echo/refuses', () => {
        throw new HearthError('conflict', 'Not twice', { headers: { 'x-why': 'twice' } })
      })
      .get('/echo/open', () => ({ open: true }), { detail: { security: [] } })
      .put('/echo/big', async ({ request }) => ({ bytes: (await request.bytes()).length }), {
        parse: 'none',
        detail: { 'x-max-body': 5000 } as object,
      }),
  }),
})

let app: PluginUnderTest
const logged: { message: string; fields: unknown }[] = []
const log: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (message, fields) => void logged.push({ message, fields }),
  with: () => log,
}

beforeAll(async () => {
  app = await testPlugin(echo, { log, settings: { maxBodyBytes: 1024 } })
})
afterAll(() => app.stop())

const json = { 'content-type': 'application/json' }
const post = (body: string, headers: Record<string, string> = json): RequestInit => ({
  method: 'POST',
  headers,
  body,
})

describe('errors are worded by the plugin that owns the path', () => {
  test.each<[string, string, RequestInit | undefined, number, string]>([
    ['unknown path', '/echo/1/2/3', undefined, 404, 'not_found'],
    ['wrong method', '/echo/7', { method: 'DELETE' }, 405, 'method_not_allowed'],
    ['malformed JSON', '/echo', post('{"n":'), 400, 'malformed_json'],
    ['wrong type', '/echo', post('{"n":"x"}'), 422, 'validation'],
    ['no body', '/echo', { method: 'POST' }, 422, 'validation'],
    [
      'wrong content type',
      '/echo',
      post('n=1', { 'content-type': 'text/plain' }),
      415,
      'unsupported_media_type',
    ],
    ['bad parameter', '/echo/seven', undefined, 422, 'validation'],
    ['too large', '/echo', post(JSON.stringify({ n: 1, pad: 'x'.repeat(2000) })), 413, 'too_large'],
    ['refused', '/echo/refuses', undefined, 409, 'conflict'],
    ['thrown', '/echo/throws', undefined, 500, 'internal'],
    ['broken response', '/echo/broken', undefined, 500, 'internal'],
  ])('%s', async (_, path, init, status, code) => {
    const reply = await app.fetch(path, init)
    const body = (await reply.json()) as Record<string, unknown>
    expect({ status: reply.status, success: body['success'], code: body['code'] }).toEqual({
      status,
      success: false,
      code,
    })
    expect(body['message']).toBeString()
  })

  test('a streamed body without a length is bounded too', async () => {
    const chunk = new TextEncoder().encode('x'.repeat(400))
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => (sent++ < 5 ? controller.enqueue(chunk) : controller.close()),
    })
    const reply = await app.fetch('/echo', { method: 'POST', headers: json, body })
    expect(reply.status).toBe(413)
  })

  test('a route may take more than the server does', async () => {
    const fits = await app.fetch('/echo/big', { method: 'PUT', body: new Uint8Array(4000) })
    expect(await fits.json()).toEqual({ success: true, data: { bytes: 4000 } })
    const over = await app.fetch('/echo/big', { method: 'PUT', body: new Uint8Array(6000) })
    expect(over.status).toBe(413)
  })

  test('a validation error says where, and what', async () => {
    const reply = await app.fetch('/echo', post('{"n":"x"}'))
    expect(await reply.json()).toEqual({
      success: false,
      status: 422,
      code: 'validation',
      message: 'body.n: Expected number',
      issues: [{ path: 'body.n', message: 'Expected number' }],
    })
  })

  test('paths of nobody are answered in the dialect of the kernel', async () => {
    const reply = await app.fetch('/nowhere')
    expect({ status: reply.status, body: await reply.json() }).toEqual({
      status: 404,
      body: { detail: 'Not found: no such path', code: 'not_found' },
    })
  })

  test('what the program threw is in the log, with its path, and not in the reply', async () => {
    logged.length = 0
    const thrown = await app.fetch('/echo/throws')
    const broken = await app.fetch('/echo/broken')
    expect(await thrown.text()).not.toContain('hunter2')
    expect(await broken.text()).not.toContain('text')
    expect(logged).toMatchObject([
      { message: 'request failed', fields: { path: '/echo/throws', method: 'GET' } },
      { message: 'request failed', fields: { path: '/echo/broken', method: 'GET' } },
    ])
  })
})

describe('methods and paths', () => {
  test.each(['/echo', '/echo/'])('%s answers without a redirect', async (path) => {
    const reply = await app.fetch(path)
    expect({ status: reply.status, body: await reply.json() }).toEqual({
      status: 200,
      body: { success: true, data: { n: 1 } },
    })
  })

  test('HEAD answers as GET does', async () => {
    expect((await app.fetch('/echo/7', { method: 'HEAD' })).status).toBe(200)
    expect((await app.fetch('/health', { method: 'HEAD' })).status).toBe(200)
  })

  test('OPTIONS and 405 name the methods', async () => {
    const options = await app.fetch('/echo', { method: 'OPTIONS' })
    const refused = await app.fetch('/echo', { method: 'DELETE' })
    expect([options.status, options.headers.get('allow')]).toEqual([
      204,
      'GET, HEAD, OPTIONS, POST',
    ])
    expect([refused.status, refused.headers.get('allow')]).toEqual([
      405,
      'GET, HEAD, OPTIONS, POST',
    ])
    expect((await app.fetch('/nowhere', { method: 'OPTIONS' })).status).toBe(404)
    expect((await app.fetch('/health', { method: 'POST' })).status).toBe(405)
  })
})

describe('headers', () => {
  test('every reply has a request id; a given one is kept when it is harmless', async () => {
    const own = await app.fetch('/nowhere')
    const given = await app.fetch('/echo', { headers: { 'x-request-id': 'trace-7.a' } })
    const odd = await app.fetch('/echo', { headers: { 'x-request-id': 'a b"c' } })
    expect(own.headers.get('x-request-id')).toMatch(/^\w+-\w+$/)
    expect(given.headers.get('x-request-id')).toBe('trace-7.a')
    expect(odd.headers.get('x-request-id')).not.toBe('a b"c')
  })

  test('headers of an error and of the rate limit reach the caller', async () => {
    const reply = await app.fetch('/echo/refuses')
    expect(reply.headers.get('x-why')).toBe('twice')
    expect(reply.headers.get('x-ratelimit-limit')).toBe('100')
  })

  test('an allowed origin gets CORS headers, on errors too; a foreign one is refused', async () => {
    const origin = 'http://localhost:5173'
    const allowed = await app.fetch('/nowhere', { headers: { origin } })
    expect(allowed.headers.get('access-control-allow-origin')).toBe(origin)
    expect(allowed.headers.get('access-control-allow-credentials')).toBe('true')
    expect(allowed.headers.get('access-control-expose-headers')).toContain('X-RateLimit-Remaining')
    const foreign = await app.fetch('/echo', { headers: { origin: 'https://evil.example' } })
    expect(foreign.status).toBe(403)
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('a preflight is answered', async () => {
    const reply = await app.fetch('/echo', {
      method: 'OPTIONS',
      headers: {
        origin: 'http://localhost:3000',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'authorization,content-type',
      },
    })
    expect(reply.status).toBe(204)
    expect(reply.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
    expect(reply.headers.get('access-control-allow-methods')).toContain('PUT')
    expect(reply.headers.get('access-control-allow-headers')).toContain('Authorization')
  })

  test('a foreign host is refused', async () => {
    const reply = await app.fetch('/echo', { headers: { host: 'evil.example' } })
    expect(reply.status).toBe(403)
  })
})

test('every line that is logged for a request has its id', async () => {
  const lines: { message: string; requestId?: string; plugin?: string }[] = []
  const write = (line: string) => void lines.push(JSON.parse(line))
  const real = createLogger({ level: 'debug', pretty: false, write })
  await using logging = await testPlugin(echo, { log: real })
  await logging.fetch('/echo/logs', { headers: { 'x-request-id': 'trace-1' } })
  const own = lines.filter(({ requestId }) => requestId === 'trace-1')
  expect(own.map(({ message, plugin }) => [message, plugin])).toEqual([
    ['from deep inside', 'echo'],
    ['request', undefined],
  ])
})

describe('callers', () => {
  test('an open server takes callers for its local user, tokens for whom they name', async () => {
    expect(await (await app.fetch('/echo/who')).json()).toEqual({
      success: true,
      data: { name: 'local' },
    })
    const ada = await app.as('ada')
    expect(await (await ada.fetch('/echo/who')).json()).toEqual({
      success: true,
      data: { name: 'ada' },
    })
  })

  test('a wrong token is refused even where none is needed', async () => {
    const reply = await app.fetch('/echo/who', { headers: { authorization: 'Bearer nonsense' } })
    expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  })

  test('a closed server needs a token on all but public routes, health and docs', async () => {
    await using closed = await testPlugin(echo, { auth: 'required' })
    const status = async (path: string) => (await closed.fetch(path)).status
    expect(
      await Promise.all(['/echo', '/echo/open', '/health', '/openapi.json', '/docs'].map(status)),
    ).toEqual([401, 200, 200, 200, 200])
    const ada = await closed.as('ada')
    expect((await ada.fetch('/echo')).status).toBe(200)
  })

  test('requests beyond the limit are refused until the window ends', async () => {
    await using limited = await testPlugin(echo, { rateLimits: 'on' })
    for (let i = 0; i < 100; i++) await limited.fetch('/echo')
    const refused = await limited.fetch('/echo')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ success: false, code: 'rate_limited' })
    limited.clock.advance(61_000)
    expect((await limited.fetch('/echo')).status).toBe(200)
  })
})
