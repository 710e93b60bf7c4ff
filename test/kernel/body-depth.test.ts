/** Deep bodies are refused at once, and only they. */
import { expect, test } from 'bun:test'
import { isDeeper } from '../../src/kernel/body-depth.ts'
import { definePlugin, router, Type as t } from '../../src/sdk.ts'
import { testPlugin } from '../../src/testing.ts'

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

test('depth counts what is inside of what', () => {
  const values = ['x', [], [1, [2]], { a: { b: [1] } }, new Date(), null]
  expect(values.map((value) => [0, 1, 2, 3].map((levels) => isDeeper(value, levels)))).toEqual([
    [false, false, false, false],
    [true, false, false, false],
    [true, true, false, false],
    [true, true, true, false],
    [true, false, false, false],
    [false, false, false, false],
  ])
})

test('a route with a union is not asked about them', async () => {
  const body = t.Object({ player: t.Union([t.Literal('a'), t.Literal('b'), t.Array(t.Any())]) })
  const plugin = definePlugin({
    id: 'deep',
    version: '1.0.0',
    sdk: '>=0.1.0',
    setup: () => ({ routes: router().post('/deep', () => ({ ok: true }), { body }) }),
  })
  await using server = await testPlugin(plugin)
  const send = async (text: string) => {
    const reply = await server.fetch('/deep', {
      method: 'POST',
      body: text,
      headers: { 'content-type': 'application/json' },
    })
    return { status: reply.status, body: await reply.json() }
  }
  expect(await send(`{"player": ${nested(99)}}`)).toEqual({ status: 200, body: { ok: true } })
  const refused = { status: 400, body: expect.anything() }
  expect(await send(`{"player": ${nested(100)}}`)).toEqual(refused)
  expect(await send(`{"player": ${nested(200_000)}}`)).toEqual(refused)
})
