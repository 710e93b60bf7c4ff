/** The OpenAPI document says what the routes do; the pages need nothing from the internet. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { toOpenApi } from '../../src/kernel/docs/schema.ts'
import { definePlugin, router, t } from '../../src/sdk.ts'
import { type PluginUnderTest, testPlugin } from '../../src/testing.ts'

const shelf = definePlugin({
  id: 'shelf',
  version: '1.0.0',
  sdk: '*',
  access: 'token',
  setup: () => ({
    routes: router()
      .get('/books/', () => [{ id: 1 }], {
        response: t.Array(t.Object({ id: t.Integer() })),
        detail: { summary: 'All books', tags: ['books'] },
      })
      .put('/books/:id', ({ body }) => body, {
        params: t.Object({ id: t.Integer({ minimum: 1 }) }),
        body: t.Object({ title: t.String({ examples: ['Emma'] }) }),
        detail: { summary: 'Rename a book' },
      })
      .get('/books/:id/pages/*', () => 'text', { detail: { summary: 'A page' } })
      .post('/login', () => ({}), { detail: { summary: 'Log in', security: [] } }),
  }),
})

let app: PluginUnderTest
beforeAll(async () => {
  app = await testPlugin(shelf)
})
afterAll(() => app.stop())

interface Operation {
  readonly summary?: string
  readonly tags?: string[]
  readonly security?: object[]
  readonly operationId?: string
  readonly parameters?: { name: string; in: string; required?: boolean; schema: object }[]
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>
}

const document = async () =>
  (await (await app.fetch('/openapi.json')).json()) as {
    openapi: string
    paths: Record<string, Record<string, Operation>>
    components: { securitySchemes: object }
  }

describe('/openapi.json', () => {
  test('has every route once, in the form it was declared, and health', async () => {
    const { openapi, paths, components } = await document()
    expect(openapi).toBe('3.0.3')
    expect(Object.keys(components.securitySchemes)).toEqual(['bearer'])
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    expect(operations.sort()).toEqual([
      'get /books/',
      'get /books/{id}/pages/{path}',
      'get /health',
      'post /login',
      'put /books/{id}',
    ])
  })

  test('says who needs a token, and in which errors a call can end', async () => {
    const { paths } = await document()
    const put = paths['/books/{id}']?.['put'] as Operation
    const login = paths['/login']?.['post'] as Operation
    expect({ security: put.security, tags: put.tags, summary: put.summary }).toEqual({
      security: [{ bearer: [] }],
      tags: ['shelf'],
      summary: 'Rename a book',
    })
    expect(Object.keys(put.responses)).toEqual([
      '200',
      '401',
      '403',
      '404',
      '409',
      '413',
      '415',
      '422',
      '429',
      '500',
    ])
    expect(login.security).toEqual([])
    expect(Object.keys(login.responses)).toEqual(['200', '429', '500'])
  })

  test('parameters are those of the path, wildcards by a name', async () => {
    const { paths } = await document()
    const page = paths['/books/{id}/pages/{path}']?.['get'] as Operation
    expect(
      page.parameters?.map(({ name, in: place, required }) => [name, place, required]),
    ).toEqual([
      ['id', 'path', true],
      ['path', 'path', true],
    ])
  })

  test('operation ids are unique', async () => {
    const { paths } = await document()
    const ids = Object.values(paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    )
    expect(ids).not.toContain(undefined)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

test.each([
  [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, { type: 'string', nullable: true }],
  [
    {
      anyOf: [
        { type: 'string', const: 'a' },
        { type: 'string', const: 'b' },
      ],
      error: 'no',
    },
    { type: 'string', enum: ['a', 'b'] },
  ],
  [
    {
      anyOf: [
        { type: 'string', format: 'integer', default: 0 },
        { type: 'integer', minimum: 1 },
      ],
    },
    { type: 'integer', minimum: 1 },
  ],
  [
    { type: 'string', const: 'x' },
    { type: 'string', enum: ['x'] },
  ],
  [
    { type: 'string', examples: ['a', 'b'] },
    { type: 'string', example: 'a' },
  ],
  [
    {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'number', default: 1 } },
      required: ['a', 'b'],
    },
    {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'number', default: 1 } },
      required: ['a'],
    },
  ],
  [
    { name: 'n', in: 'query', required: true, schema: { type: 'integer', default: 3 } },
    { name: 'n', in: 'query', schema: { type: 'integer', default: 3 } },
  ],
  [
    { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    {
      type: 'number',
      minimum: 0,
      exclusiveMinimum: true,
      maximum: 1,
      exclusiveMaximum: true,
    },
  ],
  [
    {
      anyOf: [{ type: 'boolean' }, { type: 'string', format: 'boolean', default: false }],
      default: false,
    },
    { type: 'boolean', default: false },
  ],
  [
    { type: 'object', properties: {}, additionalProperties: true, 'x-refuses-unknown': true },
    { type: 'object', properties: {}, additionalProperties: false },
  ],
  [
    { type: 'object', patternProperties: { '^.*$': { type: 'null' } } },
    { type: 'object', additionalProperties: { type: 'null' } },
  ],
  [
    { type: 'object', properties: { error: { type: 'string' }, const: { type: 'number' } } },
    { type: 'object', properties: { error: { type: 'string' }, const: { type: 'number' } } },
  ],
])('a schema in the words of OpenAPI 3.0: %p', (schema, expected) => {
  expect(toOpenApi(schema)).toEqual(expected)
})

describe('pages', () => {
  test.each(['/docs', '/docs/', '/api/docs', '/redoc', '/api/redoc'])(
    '%s loads only what this server has',
    async (path) => {
      const reply = await app.fetch(path)
      const html = await reply.text()
      expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(reply.headers.get('content-security-policy')).toContain("default-src 'self'")
      const sources = [...html.matchAll(/(?:src|href|spec-url)="([^"]+)"/g)].map(([, url]) => url)
      const local = sources.filter((url) => !url?.startsWith('data:'))
      expect(local.length).toBeGreaterThan(1)
      for (const url of local) {
        expect(url).toStartWith('/')
        const asset = await app.fetch(url as string)
        expect([url, asset.status, (await asset.bytes()).length > 50]).toEqual([url, 200, true])
      }
    },
  )
})
