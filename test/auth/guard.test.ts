/** Pages of other sites cannot reach a server that trusts its own machine. */
import { expect, test } from 'bun:test'
import { createGuard, isLoopback } from '../../src/auth/guard.ts'

const policy = {
  boundTo: '127.0.0.1',
  allowedHosts: ['lab.example:8000', 'Box.local'],
  allowedOrigins: ['http://localhost:3000'],
}
const guard = createGuard(policy)
const request = (headers: Record<string, string>) =>
  new Request('http://localhost:8000/projects/', { headers })

test.each<Record<string, string>>([
  {},
  { host: 'localhost' },
  { host: 'LOCALHOST:8000' },
  { host: '127.0.0.1:1' },
  { host: '127.0.0.2:8000' },
  { host: '[::1]' },
  { host: '[::1]:8000' },
  { host: 'lab.example:8000' },
  { host: 'box.local:9999' },
  { host: 'localhost:8000', origin: 'http://localhost:8000' },
  { host: '[::1]:8000', origin: 'http://[::1]:8000' },
  { host: 'localhost:8000', origin: 'http://localhost:3000' },
  { host: 'box.local', origin: 'https://box.local' },
])('lets %j in', (headers) => {
  expect(guard(request(headers))).toBeNull()
})

test.each<[Record<string, string>, string]>([
  [{ host: 'evil.example' }, 'The host "evil.example" is not allowed'],
  [
    { host: 'evil.example:8000', origin: 'http://evil.example:8000' },
    'The host "evil.example:8000" is not allowed',
  ],
  [{ host: 'localhost.evil.example' }, 'The host "localhost.evil.example" is not allowed'],
  [{ host: '127.0.0.1.evil.example' }, 'The host "127.0.0.1.evil.example" is not allowed'],
  [{ host: '127.0.0.999' }, 'The host "127.0.0.999" is not allowed'],
  [{ host: '0.0.0.0:8000' }, 'The host "0.0.0.0:8000" is not allowed'],
  [{ host: 'lab.example:9999' }, 'The host "lab.example:9999" is not allowed'],
  [{ host: '' }, 'The host "" is not allowed'],
  [
    { host: 'localhost', origin: 'https://evil.example' },
    'The origin "https://evil.example" is not allowed',
  ],
  [{ host: 'localhost', origin: 'null' }, 'The origin "null" is not allowed'],
  [
    { host: 'localhost:8000', origin: 'http://localhost:8001' },
    'The origin "http://localhost:8001" is not allowed',
  ],
  [
    { host: 'localhost:8000', origin: 'http://localhost:8000.evil.example' },
    'The origin "http://localhost:8000.evil.example" is not allowed',
  ],
])('keeps %j out', (headers, reason) => {
  expect(guard(request(headers))).toBe(reason)
})

test('a server on the network refuses nothing here: there a token is asked for', () => {
  const open = createGuard({ ...policy, boundTo: '0.0.0.0' })
  expect(open(request({ host: 'evil.example', origin: 'https://evil.example' }))).toBeNull()
})

test.each<[string, boolean]>([
  ['localhost', true],
  ['127.0.0.1', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.5', false],
  ['127.0.0.1.nip.io', false],
])('%s is loopback: %p', (name, expected) => {
  expect(isLoopback(name)).toBe(expected)
})
