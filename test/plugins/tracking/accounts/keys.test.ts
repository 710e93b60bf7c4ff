/** API keys: shown once, listed, revoked, and for their owner only. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { type PluginUnderTest, testPlugin } from '../../../../src/testing.ts'
import { accounts, answer, iso, json, using } from './fixture.ts'

let app: PluginUnderTest
beforeEach(async () => {
  app = await testPlugin(accounts)
})
afterEach(() => app.stop())

describe('API keys', () => {
  const make = (fetch: PluginUnderTest['fetch'], body: object = { name: 'laptop' }) =>
    answer(fetch('/auth/keys', json('POST', body)))

  test('are shown once, listed by prefix, and revoked', async () => {
    const ada = await app.as('ada')
    const { status, body } = await make(ada.fetch, {
      name: 'laptop',
      expires_at: '2027-01-01T00:00:00',
    })
    const info = {
      id: 1,
      name: 'laptop',
      prefix: String(body.key).slice(0, 13),
      created_at: iso,
      expires_at: '2027-01-01T00:00:00',
    }
    const key = String(body.key)
    expect({ status, body }).toEqual({ status: 200, body: { ...info, key } })
    expect(await answer(ada.fetch('/auth/keys'))).toEqual({
      status: 200,
      body: [{ ...info, last_used_at: null }] as never,
    })
    expect((await using(app, key)('/auth/me')).status).toBe(200)
    expect(await answer(ada.fetch('/auth/keys/1', { method: 'DELETE' }))).toEqual({
      status: 200,
      body: { message: 'API key revoked' },
    })
    expect((await using(app, key)('/auth/me')).status).toBe(401)
    expect(await answer(ada.fetch('/auth/keys/1', { method: 'DELETE' }))).toEqual({
      status: 404,
      body: { detail: 'API key not found', code: 'not_found' },
    })
  })

  test('are invisible and untouchable for other users, even superusers', async () => {
    const admin = await app.as('admin')
    const ada = await app.as('ada')
    const { body } = await make(ada.fetch)
    expect(await (await admin.fetch('/auth/keys')).json()).toEqual([])
    const revoke = await admin.fetch(`/auth/keys/${body.id}`, { method: 'DELETE' })
    expect(revoke.status).toBe(404)
  })

  test('cannot make keys', async () => {
    const ada = await app.as('ada')
    const { body } = await make(ada.fetch)
    expect(await make(using(app, String(body.key)))).toEqual({
      status: 403,
      body: { detail: 'An API key cannot make keys; log in with a password', code: 'forbidden' },
    })
  })

  test.each<[string, object]>([
    ['no name', {}],
    ['a blank name', { name: '  ' }],
    ['a name with a line break', { name: 'a\nb' }],
    ['a time that is none', { name: 'a', expires_at: 'tomorrow' }],
    ['a time that is over', { name: 'a', expires_at: '2020-01-01T00:00:00Z' }],
  ])('refuse %s', async (_what, body) => {
    const ada = await app.as('ada')
    expect((await make(ada.fetch, body)).status).toBe(400)
  })
})
