/** What a server tells the others: gathered, split, and kept while they cannot be reached. */
import { expect, test } from 'bun:test'
import { Announcer, type Notice } from '../../src/live/announcer.ts'
import { range } from './live-server.ts'

/** An announcer whose notices land in `sent`; `failing` makes sending fail. */
const recording = () => {
  const sent: Notice[] = []
  const state = { failing: false }
  const announcer = new Announcer(async (notice) => {
    if (state.failing) throw new Error('gone')
    sent.push(notice)
  })
  return { announcer, sent, state }
}

test('announcements of a topic that come together become one', async () => {
  const { announcer, sent } = recording()
  announcer.resume()
  announcer.publish({ topic: 'a', first: 3, last: 4 })
  announcer.publish({ topic: 'b', first: 1, last: 1 })
  announcer.publish({ topic: 'a', first: 5, last: 9 })
  await announcer.flush()
  expect(sent).toEqual([
    { topic: 'a', first: 3, last: 9 },
    { topic: 'b', first: 1, last: 1 },
  ])
})

test('data goes at once, in parts that are not too long', () => {
  const { announcer, sent } = recording()
  announcer.resume()
  const data = 'x'.repeat(40_000)
  announcer.publish({
    topic: 'a',
    first: 1,
    last: 3,
    messages: range(1, 3).map((cursor) => ({ cursor, data })),
  })
  expect(sent.map(({ first, last, messages }) => [first, last, messages?.length])).toEqual([
    [1, 1, 1],
    [2, 2, 1],
    [3, 3, 1],
  ])
})

test('what nobody can be told waits, without its data', async () => {
  const { announcer, sent, state } = recording()
  announcer.publish({ topic: 'a', first: 1, last: 1, messages: [{ cursor: 1, data: 'x' }] })
  announcer.resume()
  expect(sent).toEqual([{ topic: 'a', first: 1, last: 1 }])
  state.failing = true
  announcer.publish({ topic: 'a', first: 2, last: 2 })
  announcer.publish({ topic: 'a', first: 3, last: 3, messages: [{ cursor: 3, data: 'x' }] })
  await announcer.flush()
  announcer.pause()
  state.failing = false
  announcer.resume()
  expect(sent).toEqual([
    { topic: 'a', first: 1, last: 1 },
    { topic: 'a', first: 2, last: 3 },
  ])
})

test('too many waiting topics become one word: read everything', () => {
  const { announcer, sent } = recording()
  for (const topic of range(1, 10_002)) announcer.publish({ topic: `t${topic}`, first: 1, last: 1 })
  announcer.resume()
  expect(sent).toEqual([{ topic: '*', first: 0, last: 0 }])
})
