/** A body of a type that its route does not take is refused, never misread and never ignored. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Dialect, definePlugin, router, t } from '../../src/sdk.ts'
import { type PluginUnderTest, testPlugin } from '../../src/testing.ts'

const envelope: Dialect = { error: ({ code, message }) => ({ success: false, code, message }) }
const n = t.Object({ n: t.Optional(t.Number()) })
const forms = ['application/x-www-form-urlencoded', 'application/json']

const desk = definePlugin({
  id: 'desk',
  version: '1.0.0',
  sdk: '*',
  dialect: envelope,
  setup: () => ({
    routes: router()
      .post('/json', ({ body }) => body, { body: n })
      .post('/optional', ({ body }) => body ?? 'nothing', { body: t.Optional(n) })
      .post('/unknown', ({ body }) => ({ body }), { body: t.Unknown() })
      .post('/form', ({ body }) => body, {
        body: t.Object({ name: t.String() }),
        detail: { 'x-content-types': forms } as object,
      })
      .post('/file', ({ body: { file } }) => ({ bytes: file.size }), {
        body: t.Object({ file: t.File() }),
      })
      .post('/text', ({ body }) => ({ body }), { body: t.String() })
      .post('/raw', async ({ request }) => ({ text: await request.text() }), { parse: 'none' })
      .post('/own', ({ body }) => body, {
        parse: ({ request }) => request.json(),
        body: n,
      })
      .post('/bodiless', () => ({ done: true })),
  }),
})

let app: PluginUnderTest
beforeAll(async () => {
  app = await testPlugin(desk)
})
afterAll(() => app.stop())

const urlencoded = 'application/x-www-form-urlencoded'

const ask = async (path: string, body: RequestInit['body'], type?: string) => {
  const reply = await app.fetch(path, {
    method: 'POST',
    ...(body !== undefined && { body }),
    ...(type !== undefined && { headers: { 'content-type': type } }),
  })
  return [reply.status, await reply.json()] as const
}

/** Bytes have no type unless one is given. */
const bytes = (text: string) => new TextEncoder().encode(text)

describe('a route that takes JSON', () => {
  test.each([
    ['/json', urlencoded],
    ['/json', 'text/plain'],
    ['/json', 'application/jsonl'],
    ['/optional', urlencoded],
    ['/optional', 'multipart/form-data; boundary=x'],
    ['/unknown', urlencoded],
  ])('%s refuses %s, in the dialect of its plugin, and says what to send', async (path, type) => {
    const [status, reply] = await ask(path, '{"n":1}', type)
    expect([status, reply]).toEqual([
      415,
      {
        success: false,
        code: 'unsupported_media_type',
        message: expect.stringContaining('content-type: application/json'),
      },
    ])
    expect((reply as { message: string }).message).toContain(type.split(';')[0] as string)
  })

  test.each(['/json', '/optional', '/unknown'])('%s refuses a body of no type', async (path) => {
    const [status, reply] = await ask(path, bytes('{"n":1}'))
    expect(status).toBe(415)
    expect((reply as { message: string }).message).toContain('without a type')
  })

  test.each(['application/json', 'application/json; charset=utf-8'])('takes %s', async (type) => {
    expect(await ask('/json', '{"n":1}', type)).toEqual([200, { n: 1 }])
    expect(await ask('/optional', '{"n":1}', type)).toEqual([200, { n: 1 }])
  })

  test('goes on as before without a body, whatever type is named', async () => {
    const reply = await app.fetch('/optional', { method: 'POST' })
    expect([reply.status, await reply.text()]).toEqual([200, 'nothing'])
    const headers = { 'content-type': urlencoded, 'content-length': '0' }
    expect((await app.fetch('/json', { method: 'POST', headers })).status).not.toBe(415)
  })
})

describe('other routes', () => {
  test('take the types they declare, and name them all otherwise', async () => {
    expect(await ask('/form', 'name=Ada', urlencoded)).toEqual([200, { name: 'Ada' }])
    const asJson = await ask('/form', '{"name":"Ada"}', 'application/json')
    expect(asJson).toEqual([200, { name: 'Ada' }])
    const [status, reply] = await ask('/form', 'Ada', 'text/plain')
    expect(status).toBe(415)
    for (const type of forms) expect((reply as { message: string }).message).toContain(type)
  })

  test('with files take forms', async () => {
    const form = new FormData()
    form.set('file', new File(['abc'], 'abc.txt'))
    expect(await ask('/file', form)).toEqual([200, { bytes: 3 }])
    expect((await ask('/file', '{}', 'application/json'))[0]).toBe(415)
  })

  test('with text, or a way of their own to read, are let alone', async () => {
    expect(await ask('/text', 'hello', 'text/plain')).toEqual([200, { body: 'hello' }])
    expect(await ask('/raw', 'a=b', urlencoded)).toEqual([200, { text: 'a=b' }])
    expect(await ask('/own', '{"n":1}', urlencoded)).toEqual([200, { n: 1 }])
    expect(await ask('/bodiless', 'a=b', urlencoded)).toEqual([200, { done: true }])
  })
})
