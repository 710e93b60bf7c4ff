/** The example's own test: a plugin needs no port, no sleep and ten lines. */
import { expect, test } from 'bun:test'
import { testPlugin } from 'hearth/testing'
import guestbook from './index.ts'

test('whoever signs the book stands in it, live', async () => {
  await using book = await testPlugin(guestbook, { config: { maxLength: 10 } })
  const ada = await book.as('ada')
  const signed = await ada.fetch('/guestbook', post({ text: 'Hello!' }))
  const entry = { id: 1, author: 'ada', text: 'Hello!' }
  expect(await signed.json()).toEqual(entry)
  expect(await (await book.fetch('/guestbook')).json()).toEqual([entry])
  expect(book.published).toEqual([{ topic: 'entries', message: { cursor: 1, data: entry } }])
})

test('an entry that is too long is refused in words', async () => {
  await using book = await testPlugin(guestbook, { config: { maxLength: 10 } })
  const refused = await book.fetch('/guestbook', post({ text: 'much too long' }))
  expect(refused.status).toBe(400)
  expect(await refused.json()).toEqual({ detail: 'At most 10 characters', code: 'bad_request' })
})

const post = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
