/** What an error of a provider means, by its status and its words. */
import { expect, test } from 'bun:test'
import { noAnswer, waitMsOf } from '../../../../plugins/experiments/models/no-answer.ts'

const json = (message: string) => JSON.stringify({ error: { message } })

test.each([
  [429, json('Slow down'), { kind: 'busy', message: '429 Slow down' }],
  [529, json('Overloaded'), { kind: 'busy', message: '529 Overloaded' }],
  [503, '<html>', { kind: 'passing', message: '503 as it came' }],
  [408, '', { kind: 'passing', message: '408 as it came' }],
  [200, '{', { kind: 'passing', message: '200 as it came' }],
  [
    400,
    json('temperature: 2'),
    { kind: 'refuses', what: 'temperature', message: '400 temperature: 2' },
  ],
  [
    422,
    json('no function calls'),
    { kind: 'refuses', what: 'tools', message: '422 no function calls' },
  ],
  [
    404,
    json('No endpoints with tool use'),
    { kind: 'refuses', what: 'tools', message: '404 No endpoints with tool use' },
  ],
  [404, json('No such model'), { kind: 'wrong', message: '404 No such model' }],
  [413, json('Too long'), { kind: 'wrong', message: '413 Too long' }],
  [401, json('temperature'), { kind: 'key', message: '401 temperature' }],
  [400, json('API key not valid.'), { kind: 'key', message: '400 API key not valid.' }],
  [500, '{"error":"in one word"}', { kind: 'passing', message: '500 in one word' }],
  [500, '{"message":"of a proxy"}', { kind: 'passing', message: '500 of a proxy' }],
  [400, '{"detail":"of FastAPI"}', { kind: 'wrong', message: '400 of FastAPI' }],
  [500, '{"error":{"message":""}}', { kind: 'passing', message: '500 as it came' }],
] as const)('%d %s', (statusCode, responseBody, found) => {
  const error = { statusCode, responseBody, message: 'as it came' }
  expect(noAnswer(error)).toEqual({ ok: false, ...found })
})

test('without a status there was no connection', () => {
  expect(noAnswer(new Error('Unable to connect'))).toEqual({
    ok: false,
    kind: 'passing',
    message: 'Unable to connect',
  })
  expect(noAnswer(new Error(''))).toMatchObject({ message: 'no answer' })
})

test('what the server says about when to ask again is kept', () => {
  const responseHeaders = { 'retry-after': '7' }
  expect(noAnswer({ statusCode: 503, message: 'm', responseHeaders })).toEqual({
    ok: false,
    kind: 'passing',
    message: '503 m',
    retryAfter: '7',
  })
})

test.each([
  [undefined, null],
  ['', null],
  ['soon', null],
  ['2', 2_000],
  ['0.5', 500],
  ['-1', 0],
  ['Thu, 01 Jan 1970 00:00:09 GMT', 4_000],
  ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
] as const)('Retry-After: %s', (text, ms) => {
  expect(waitMsOf(text, 5_000)).toBe(ms)
})
