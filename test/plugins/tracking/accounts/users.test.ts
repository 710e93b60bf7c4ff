/** Users changing themselves, and superusers changing others. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { type PluginUnderTest, testPlugin } from '../../../../src/testing.ts'
import { accounts, answer, form, json, using, wrong } from './fixture.ts'

let app: PluginUnderTest
beforeEach(async () => {
  app = await testPlugin(accounts)
})
afterEach(() => app.stop())

describe('the own account', () => {
  test('is shown to its user only', async () => {
    const response = await app.fetch('/auth/me')
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(response.status).toBe(401)
    expect((await using(app, 'nonsense')('/auth/me')).status).toBe(401)
  })

  test('changes its address freely, its password only with the current one', async () => {
    const ada = await app.as('ada')
    const put = (body: object) => answer(ada.fetch('/auth/me', json('PUT', body)))
    expect(await put({ email: 'new@example.com' })).toMatchObject({
      status: 200,
      body: { username: 'ada', email: 'new@example.com' },
    })
    const password = 'a better one'
    expect(await put({ password })).toMatchObject({ status: 400 })
    expect(await put({ password, current_password: 'wrong' })).toMatchObject({
      status: 400,
      body: { detail: 'The current password is not right' },
    })
    expect(await put({ password, current_password: 'password of ada' })).toMatchObject({
      status: 200,
    })
    expect((await ada.fetch('/auth/me')).status).toBe(401)
    const login = await app.fetch('/auth/login', form({ username: 'ada', password }))
    expect(login.status).toBe(200)
  })

  test('cannot make itself superuser', async () => {
    await app.as('admin')
    const ada = await app.as('ada')
    const reply = await answer(
      ada.fetch('/auth/me', json('PUT', { is_superuser: true, is_active: true })),
    )
    expect(reply).toMatchObject({ status: 200, body: { is_superuser: false } })
  })
})

describe('managing users', () => {
  test('is for superusers', async () => {
    const admin = await app.as('admin')
    const ada = await app.as('ada')
    const refused = { status: 403, body: { detail: 'Not enough permissions', code: 'forbidden' } }
    expect(await answer(ada.fetch('/auth/users'))).toEqual(refused)
    const promote = json('PUT', { is_superuser: true })
    expect(await answer(ada.fetch(`/auth/users/${ada.who.id}`, promote))).toEqual(refused)

    const names = async (query: string) => {
      const response = await admin.fetch(`/auth/users${query}`)
      return ((await response.json()) as { username: string }[]).map(({ username }) => username)
    }
    expect(await names('')).toEqual(['admin', 'ada'])
    expect(await names('/?skip=1&limit=1')).toEqual(['ada'])
    expect(await answer(admin.fetch(`/auth/users/${ada.who.id}`, promote))).toMatchObject({
      status: 200,
      body: { username: 'ada', is_superuser: true },
    })
    expect((await ada.fetch('/auth/users')).status).toBe(200)
  })

  test('locks a user out, who is told so after the right password', async () => {
    const admin = await app.as('admin')
    const ada = await app.as('ada')
    await admin.fetch(`/auth/users/${ada.who.id}`, json('PUT', { is_active: false }))
    expect((await ada.fetch('/auth/me')).status).toBe(401)
    const login = (password: string) =>
      answer(app.fetch('/auth/login', form({ username: 'ada', password })))
    expect(await login('wrong')).toEqual(wrong)
    expect(await login('password of ada')).toEqual({
      status: 400,
      body: { detail: 'Inactive user', code: 'bad_request' },
    })
  })

  test.each<[string, string, object, number]>([
    ['an unknown user', '/auth/users/99', {}, 404],
    ['no number', '/auth/users/abc', {}, 400],
    ['a fraction', '/auth/users/1.5', {}, 400],
    ['a huge number', '/auth/users/99999999999999999999', {}, 400],
    ['the last superuser leaving', '/auth/users/1', { is_active: false }, 400],
    ['text for yes', '/auth/users/1', { is_active: 'yes' }, 400],
  ])('refuses %s', async (_what, path, body, status) => {
    const admin = await app.as('admin')
    expect((await admin.fetch(path, json('PUT', body))).status).toBe(status)
  })

  test.each(['skip=-1', 'limit=0', 'limit=1001', 'skip=x', 'limit=1e400'])(
    'refuses the page %s',
    async (query) => {
      const admin = await app.as('admin')
      expect((await admin.fetch(`/auth/users?${query}`)).status).toBe(400)
    },
  )
})
