/** The budgets of the document, and what callers are told about them. */
import { expect, test } from 'bun:test'
import { answer, failure, given, open, sendJson, upload } from './rig.ts'

const standing = ({ headers }: Response) =>
  ['limit', 'remaining', 'reset'].map((name) => Number(headers.get(`x-ratelimit-${name}`)))

test('5 experiments an hour, 10 uploads and 100 other requests a minute', async () => {
  await using app = await open({ rateLimits: 'on' })
  const at = app.clock.now() / 1000
  const cases: [number, number, (n: number) => Promise<Response>][] = [
    [5, 3600, () => sendJson(app.fetch, 'POST', '/api/experiments', given)],
    [10, 60, (n) => upload(app.fetch, { 'a.csv': String(n) })],
    [100, 60, () => app.fetch('/api/config')],
  ]
  for (const [limit, windowS, ask] of cases) {
    for (let n = 1; n <= limit; n++) {
      const reply = await ask(n)
      expect([reply.ok, ...standing(reply)]).toEqual([true, limit, limit - n, at + windowS])
    }
    const refused = await ask(limit + 1)
    expect(standing(refused)).toEqual([limit, 0, at + windowS])
    expect(refused.headers.get('retry-after')).toBe(String(windowS))
    expect(await answer(refused)).toEqual(failure(429, 'RATE_LIMITED', 'Too many requests'))
  }
  app.clock.advance(60_000)
  expect((await app.fetch('/api/config')).status).toBe(200)
  expect((await upload(app.fetch, { 'a.csv': 'x' })).status).toBe(200)
  expect((await sendJson(app.fetch, 'POST', '/api/experiments', given)).status).toBe(429)
  app.clock.advance(3_600_000)
  expect((await sendJson(app.fetch, 'POST', '/api/experiments', given)).status).toBe(201)
})

test('where limits are off they are told all the same', async () => {
  await using app = await open()
  for (const remaining of [4, 3, 2, 1, 0, 0]) {
    const reply = await sendJson(app.fetch, 'POST', '/api/experiments', given)
    expect([reply.status, ...standing(reply).slice(0, 2)]).toEqual([201, 5, remaining])
  }
})
