/** The document of the whole server is OpenAPI 3.0 to the letter, and true about unknown keys. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { type Hearth, startHearth } from '../../scripts/hearth.ts'
import { type TemporaryFolder, temporaryFolder } from '../../scripts/temporary.ts'

let folder: TemporaryFolder
let hearth: Hearth
let document: Document

interface Schema {
  readonly additionalProperties?: unknown
  readonly 'x-refuses-unknown'?: boolean
}

interface Document {
  readonly paths: Record<
    string,
    Record<
      string,
      {
        readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> }
        readonly responses: object
      }
    >
  >
}

const send = (method: string, path: string, body: object) =>
  fetch(`${hearth.origin}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

beforeAll(async () => {
  folder = await temporaryFolder()
  hearth = await startHearth({ dataDir: folder.path, env: { RATE_LIMITS: 'off' } })
  // The router writes into schemas when a route is first used; the document must not change by it.
  await send('POST', '/v1/chat/completions', {})
  await send('POST', '/api/models/none/act', {})
  await send('POST', '/api/scenarios/cartpole/episodes', {})
  await send('PUT', '/api/settings', { autoSave: true })
  document = (await (await fetch(`${hearth.origin}/openapi.json`)).json()) as Document
}, 60_000)

afterAll(async () => {
  await hearth.end('SIGKILL')
  await folder[Symbol.asyncDispose]()
})

test('is valid OpenAPI 3.0', async () => {
  const { valid, errors } = await new Validator().validate({ ...document })
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined })
})

/** What the meta-schema cannot say, and strict readers look at. */
test('defaults are of their types', () => {
  const wrong: string[] = []
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return
    const { type, default: usual, nullable } = node as Record<string, unknown>
    const isFine = usual === undefined || typeof type !== 'string' || isOf(type, usual)
    if (!isFine && !(usual === null && nullable === true)) wrong.push(path)
    for (const [key, value] of Object.entries(node)) visit(value, `${path}/${key}`)
  }
  visit(document, '')
  expect(wrong).toEqual([])
})

const isOf = (type: string, value: unknown): boolean => {
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'array') return Array.isArray(value)
  return typeof value === type
}

const bodyOf = (method: string, path: string): Schema | undefined =>
  document.paths[path]?.[method]?.requestBody?.content['application/json']?.schema

test.each([
  ['post', '/v1/chat/completions'],
  ['post', '/api/nodes/tokens'],
  ['post', '/projects/'],
])('%s %s drops unknown keys, and refuses none', (method, path) => {
  const schema = bodyOf(method, path)
  expect(schema).toBeDefined()
  expect(JSON.stringify(schema)).not.toContain('additionalProperties')
})

test.each([
  ['post', '/api/training/start', { scenario_id: 'cartpole' }],
  ['put', '/api/settings', {}],
  ['post', '/api/jobs', {}],
])('%s %s refuses unknown keys', async (method, path, body) => {
  expect(bodyOf(method, path)).toMatchObject({ additionalProperties: false })
  expect(bodyOf(method, path)).not.toHaveProperty('x-refuses-unknown')
  const reply = await send(method.toUpperCase(), path, { ...body, nonsense: 1 })
  expect(reply.status).toBe(422)
  expect(await reply.text()).toContain('nonsense')
})

test('whatever is named in a path may be in the way', () => {
  const silent = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { responses }]) => path.includes('{') && !('409' in responses))
      .map(([method]) => `${method} ${path}`),
  )
  expect(silent).toEqual([])
})
