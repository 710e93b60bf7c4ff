/** Registering and logging in, as clients meet them. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { type PluginUnderTest, testPlugin } from '../../../../src/testing.ts'
import { account, accounts, answer, form, iso, json, user, using, wrong } from './fixture.ts'

let app: PluginUnderTest
beforeEach(async () => {
  app = await testPlugin(accounts)
})
afterEach(() => app.stop())

const register = (body: unknown = account) => app.fetch('/auth/register', json('POST', body))
describe('registering', () => {
  test("answers the document's fields, with and without the slash", async () => {
    expect(await answer(register())).toEqual({ status: 200, body: user })
    const other = { ...account, username: 'other', email: 'other@example.com' }
    expect(await answer(app.fetch('/auth/register/', json('POST', other)))).toEqual({
      status: 200,
      body: { ...user, ...other, password: undefined, id: 2, is_superuser: false },
    })
  })

  test.each<[string, object, string]>([
    ['a taken name', { ...account, email: 'b@example.com' }, 'Username already registered'],
    ['a taken address', { ...account, username: 'b' }, 'Email already registered'],
    ['a bad address', { ...account, email: 'nowhere' }, 'The email is not a valid address'],
    ['a weak password', { ...account, password: 'short' }, 'at least 8 characters'],
    [
      'the name as password',
      { ...account, username: 'username2', password: 'Username2' },
      'differ',
    ],
    ['one letter', { ...account, password: 'aaaaaaaaa' }, 'one character repeated'],
    ['a blank name', { ...account, username: ' ' }, 'The username must be'],
    ['a name with a NUL', { ...account, username: 'a\0b' }, 'The username must be'],
    ['a missing field', { username: 'b', password: 'password' }, 'email'],
    ['a number as password', { ...account, password: 12345678 }, 'password'],
    ['a list', [], 'body'],
  ])('refuses %s with 400 and a readable reason', async (_what, body, reason) => {
    await register()
    const { status, body: error } = await answer(register(body))
    expect({ status, detail: error.detail }).toEqual({
      status: 400,
      detail: expect.stringContaining(reason),
    })
  })

  test('names every fault of a request', async () => {
    const { body } = await answer(register({ username: '?', email: '@', password: '1' }))
    expect(body.errors).toEqual([
      { path: '/username', message: expect.any(String) },
      { path: '/email', message: expect.any(String) },
      { path: '/password', message: expect.any(String) },
    ])
  })
})

describe('logging in', () => {
  beforeEach(() => register())
  const login = (init: RequestInit) => app.fetch('/auth/login', init)
  const fields = { username: account.username, password: account.password }
  const multipart = (entries: Record<string, string>): RequestInit => {
    const body = new FormData()
    for (const [name, value] of Object.entries(entries)) body.append(name, value)
    return { method: 'POST', body }
  }

  test.each<[string, RequestInit]>([
    ['a form', form(fields)],
    ["an OAuth2 client's form", form({ ...fields, grant_type: 'password', scope: '' })],
    ['multipart', multipart(fields)],
    ['JSON', json('POST', fields)],
  ])('takes %s and answers a token that works', async (_what, init) => {
    const response = await login(init)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const { body } = await answer(response)
    expect(body).toEqual({
      access_token: expect.stringMatching(/^eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9\./),
      token_type: 'bearer',
    })
    const me = await answer(using(app, String(body.access_token))('/auth/me'))
    expect(me).toEqual({ status: 200, body: user })
  })

  test.each(['{"abc":1}', '[1,2,3,4]', '12345678', 'true&x=y%+z', 'p\u00e4ssw\u00f6rt \u{1f511}'])(
    'takes the password %s as it was typed',
    async (password) => {
      const odd = { username: 'odd', email: 'odd@example.com', password }
      expect((await register(odd)).status).toBe(200)
      const typed = { username: 'odd', password }
      for (const init of [form(typed), multipart(typed), json('POST', typed)]) {
        expect((await login(init)).status).toBe(200)
      }
    },
  )

  test('refuses a wrong password and an unknown user alike', async () => {
    for (const attempt of [
      { ...fields, password: 'wrong' },
      { ...fields, username: 'nobody' },
    ]) {
      const response = await login(form(attempt))
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await answer(response)).toEqual(wrong)
    }
  })

  test('refuses guesses after a while, with the time to wait', async () => {
    for (let n = 0; n < 5; n++) await login(form({ ...fields, password: `guess ${n}` }))
    const response = await login(form(fields))
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await answer(response)).toEqual({
      status: 429,
      body: { detail: 'Too many failed logins; try again in 1 second', code: 'rate_limited' },
    })
    app.clock.advance(1000)
    expect((await login(form(fields))).status).toBe(200)
  })

  test.each<[string, RequestInit, number]>([
    ['no body', { method: 'POST' }, 415],
    [
      'text',
      { method: 'POST', body: 'username=a', headers: { 'content-type': 'text/plain' } },
      415,
    ],
    ['half a form', form({ username: 'username' }), 400],
    ['broken JSON', { ...json('POST', null), body: '{' }, 400],
    ['a file as password', { method: 'POST', body: withFile() }, 400],
  ])('refuses %s', async (_what, init, status) => {
    const refused = await answer(login(init))
    expect(refused).toEqual({
      status,
      body: expect.objectContaining({ detail: expect.any(String) }),
    })
  })
})

const withFile = (): FormData => {
  const body = new FormData()
  body.append('username', 'username')
  body.append('password', new Blob(['password']), 'password.txt')
  return body
}
