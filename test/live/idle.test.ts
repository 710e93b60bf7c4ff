/** Silences: what a channel says in long ones, and Engine.IO clients that say nothing at all. */
import { expect, test } from 'bun:test'
import { createSocketIo } from '../../src/live/socketio/engine.ts'
import { fakeClock } from '../../src/testing.ts'
import { LiveServer } from './live-server.ts'

test('a channel speaks after a silence, and its own messages put that off', async () => {
  const clock = fakeClock()
  const idle = { afterMs: 30_000, message: { type: 'heartbeat' } }
  const channel = { open: () => ({ topic: 'run', hello: { type: 'hello' }, idle }) }
  const server = new LiveServer({ clock, channel })
  const client = await server.connect()
  await client.until(1)
  clock.advance(20_000)
  server.log(1)
  clock.advance(100)
  await client.until(2)
  clock.advance(20_000)
  expect(client.received).toEqual(['{"type":"hello"}', '{"id":1}'])
  clock.advance(10_000)
  await client.until(3)
  expect(client.received.at(-1)).toBe('{"type":"heartbeat"}')
  await server.stop()
})

const polling = 'http://localhost/socket.io/?EIO=4&transport=polling'

const begin = async () => {
  const clock = fakeClock()
  const engine = createSocketIo({
    clock,
    enter: async ({ accept }) => {
      accept({ receive() {}, wake() {}, leave() {} })
      return null
    },
  })
  const ask = (query: string, init?: RequestInit) =>
    engine.handle(new Request(`${polling}${query}`, init), '127.0.0.1', () => false)
  const greeting = (await (await ask(''))?.text()) ?? ''
  const { sid } = JSON.parse(greeting.slice(1)) as { sid: string }
  const get = async () => (await ask(`&sid=${sid}`))?.text()
  const post = async (body: string) => (await ask(`&sid=${sid}`, { method: 'POST', body }))?.text()
  return { clock, engine, sid, get, post }
}

test('a client that enters no namespace is let go', async () => {
  const { clock, engine } = await begin()
  clock.advance(19_000)
  expect(engine.sessions).toBe(1)
  clock.advance(2_000)
  expect(engine.sessions).toBe(0)
})

test('a client is pinged, stays while it answers, and goes when it does not', async () => {
  const { clock, engine, get, post } = await begin()
  await post('40/room,')
  expect(await get()).toStartWith('40/room,{"sid":')
  for (let round = 0; round < 3; round++) {
    const ping = get()
    clock.advance(25_000)
    expect(await ping).toBe('2')
    expect(await post('3')).toBe('ok')
  }
  clock.advance(44_000)
  expect(engine.sessions).toBe(1)
  clock.advance(2_000)
  expect(engine.sessions).toBe(0)
})

test('another address cannot go on with a session', async () => {
  const { engine, sid, post } = await begin()
  const stranger = new Request(`${polling}&sid=${sid}`)
  expect((await engine.handle(stranger, '10.0.0.1', () => false))?.status).toBe(400)
  expect(await post('3')).toBe('ok')
})
