/** How live channels end: with a last message, at once, and refused where browsers can see it. */
import { afterEach, expect, test } from 'bun:test'
import { HearthError } from '../../src/kernel/errors.ts'
import type { Line } from '../../src/live/live.ts'
import { waitUntil } from '../../scripts/port.ts'
import { LiveServer, type LiveServerOptions } from './live-server.ts'

let running: LiveServer | undefined

const start = (options: LiveServerOptions = {}): LiveServer => {
  running = new LiveServer(options)
  return running
}

afterEach(() => running?.stop())

test.each(['', '?format=batch', '?since=0'])('with the last message (%s)', async (query) => {
  const server = start()
  const reader = await server.connect(query)
  const [first, last] = server.store(1, 2)
  if (!first || !last) throw new Error('Nothing was stored')
  server.live.publish('run', [first, { ...last, isLast: true }])
  expect(await reader.closed).toEqual({ code: 1000, reason: 'the end' })
  expect(reader.cursors).toEqual([1, 2])
})

test('with hello and goodbye where the topic has ended', async () => {
  const closing = { code: 1000, reason: 'It is over' }
  const server = start({ channel: { open: () => ({ topic: 'run', hello: 'last', closing }) } })
  const reader = await server.connect()
  expect(await reader.closed).toEqual(closing)
  expect(reader.received).toEqual(['last'])
})

test('with a refusal inside, for browsers, where the channel wants it', async () => {
  const server = start({
    channel: {
      closesRefused: true,
      open: () => {
        throw new HearthError('not_found', `Run ${'é'.repeat(100)} not found`)
      },
    },
  })
  const reader = await server.connect()
  const { code, reason } = await reader.closed
  expect({ code, reason: reason.slice(0, 10) }).toEqual({ code: 4404, reason: 'Run éééééé' })
})

test('a conversation is opened, spoken to, and closed by either side, once', async () => {
  const told: string[] = []
  let line: Line | undefined
  const server = start({
    channel: {
      open: () => ({
        topic: 'alone',
        opened(given) {
          told.push('opened')
          line = given
          given.send('welcome')
        },
        message: (data, reply) => reply(`${data}?`),
        closed: () => void told.push('closed'),
      }),
    },
  })
  const first = await server.connect()
  first.socket.send('yes')
  await waitUntil('the answer', () => first.received.length === 2)
  line?.close(4001, 'enough')
  expect(await first.closed).toEqual({ code: 4001, reason: 'enough' })
  const second = await server.connect()
  second.socket.close()
  await waitUntil('the end of the second', () => told.length === 4)
  expect({ told, said: first.received }).toEqual({
    told: ['opened', 'closed', 'opened', 'closed'],
    said: ['welcome', 'yes?'],
  })
})
