/** The account routes in a kernel of their own, and short words for requests and answers. */
import { expect } from 'bun:test'
import { accountRoutes } from '../../../../plugins/tracking/accounts.ts'
import { definePlugin, detailDialect } from '../../../../src/sdk.ts'
import type { PluginUnderTest } from '../../../../src/testing.ts'

export const accounts = definePlugin({
  id: 'accounts',
  version: '1.0.0',
  sdk: '*',
  access: 'token',
  dialect: { ...detailDialect, validationStatus: 400 },
  setup: ({ auth }) => ({ routes: accountRoutes(auth) }),
})

export const json = (method: string, body: unknown): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
export const form = (fields: Record<string, string>): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields),
})
export const answer = async (reply: Response | Promise<Response>) => {
  const response = await reply
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

export const account = { email: 'user@example.com', username: 'username', password: 'password' }
export const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$/)
export const user = {
  id: 1,
  email: 'user@example.com',
  username: 'username',
  is_active: true,
  is_superuser: true,
  created_at: iso,
  updated_at: iso,
}
export const wrong = {
  status: 401,
  body: { detail: 'Incorrect username or password', code: 'unauthorized' },
}

/** A door for a token, like the one that a user of a test has. */
export const using =
  (app: PluginUnderTest, token: string) =>
  (path: string, init: RequestInit = {}) =>
    app.fetch(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } })
