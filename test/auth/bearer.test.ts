/** Where tokens are found, and where they must not be looked for. */
import { expect, test } from 'bun:test'
import { bearerOf } from '../../src/auth/bearer.ts'

const upgrade = { upgrade: 'WebSocket', connection: 'Upgrade' }

test.each<[string, Record<string, string>, string | null]>([
  ['/', {}, null],
  ['/', { authorization: 'Bearer abc' }, 'abc'],
  ['/', { authorization: 'bearer abc' }, 'abc'],
  ['/', { authorization: 'BEARER   abc' }, 'abc'],
  ['/', { authorization: 'Bearer' }, null],
  ['/', { authorization: 'Bearer none' }, null],
  ['/', { authorization: 'Bearer ' }, null],
  ['/', { authorization: 'Digest abc' }, null],
  ['/', { authorization: `Basic ${btoa('ada:hearth_key:1')}` }, 'hearth_key:1'],
  ['/', { authorization: `Basic ${btoa('ada')}` }, null],
  ['/', { authorization: `Basic ${btoa('ada:')}` }, null],
  ['/', { authorization: 'Basic ***' }, null],
  ['/?token=abc', {}, null],
  ['/?token=abc', { upgrade: 'h2c' }, null],
  ['/?token=abc', upgrade, 'abc'],
  ['/?access_token=abc&since=5', upgrade, 'abc'],
  ['/?token=', upgrade, null],
  ['/?token=abc', { ...upgrade, authorization: 'Bearer xyz' }, 'xyz'],
  ['/', { ...upgrade, 'sec-websocket-protocol': 'bearer, abc' }, 'abc'],
  ['/', { ...upgrade, 'sec-websocket-protocol': 'Bearer,abc' }, 'abc'],
  ['/?token=q', { ...upgrade, 'sec-websocket-protocol': 'bearer, abc' }, 'abc'],
  ['/?token=q', { ...upgrade, 'sec-websocket-protocol': 'graphql-ws, x' }, 'q'],
  ['/', { ...upgrade, 'sec-websocket-protocol': 'bearer' }, null],
  ['/', { 'sec-websocket-protocol': 'bearer, abc' }, null],
])('%s %j has the token %p', (path, headers, token) => {
  expect(bearerOf(new Request(`http://localhost${path}`, { headers }))).toBe(token)
})
