/** Numbers in a query or path that are out of bounds: said of which they are. */
import { expect, test } from 'bun:test'
import { definePlugin, router, t as elysia, Type as t } from '../../src/sdk.ts'
import { testPlugin } from '../../src/testing.ts'

const whole = (maximum: number) => elysia.Integer({ minimum: 1, maximum, default: 2 })

const plugin = definePlugin({
  id: 'bounds',
  version: '1.0.0',
  sdk: '>=0.1.0',
  setup: () => ({
    routes: router().get('/bounds/:n', () => ({ ok: true }), {
      params: t.Object({ n: whole(3) }),
      query: t.Object({ skip: whole(9), limit: whole(5) }),
    }),
  }),
})

test.each([
  ['/bounds/1?limit=7&skip=3', 'query.limit: Expected integer to be less or equal to 5'],
  ['/bounds/1?limit=3&skip=0', 'query.skip: Expected integer to be greater or equal to 1'],
  ['/bounds/1?limit=x', 'query.limit: Expected integer'],
  ['/bounds/4?limit=3', 'path: Expected integer to be less or equal to 3'],
])('%s', async (path, detail) => {
  await using server = await testPlugin(plugin)
  const reply = await server.fetch(path)
  expect({ status: reply.status, body: await reply.json() }).toMatchObject({
    status: 422,
    body: { detail },
  })
})
