/** Followers see all of a log once and in order, whenever they come, leave and come back. */
import { describe, expect, test } from 'bun:test'
import { cellBytes, cutsOf, wholeCharacters } from '../../../src/jobs/follow-lines.ts'
import { openServer } from './fixture.ts'

interface Message {
  readonly type: string
  readonly cursor: number
  readonly attempt?: number
  readonly offset?: number
  readonly text?: string
  readonly job?: { readonly state: string }
}

type Server = Awaited<ReturnType<typeof openServer>>

const append = async (server: Server, jobId: string, offset: number, text: string | Uint8Array) => {
  const attempt = server.jobs.get(jobId)!.attempt
  const path = `/api/attempts/${jobId}/${attempt}/log?offset=${offset}`
  const reply = await server.node(path, { method: 'PUT', body: text })
  expect(reply.status).toBe(200)
}

/** Reads a channel until `isDone`; every `leaveAfter` messages it hangs up and comes back. */
const watch = async (
  server: Server,
  jobId: string,
  isDone: (messages: readonly Message[]) => boolean,
  leaveAfter = Infinity,
): Promise<Message[]> => {
  const messages: Message[] = []
  while (!isDone(messages)) {
    const since = messages.at(-1)?.cursor ?? 0
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/ws/jobs/${jobId}?since=${since}`,
    )
    let left = leaveAfter
    await new Promise<void>((resolve, reject) => {
      socket.onerror = () => reject(new Error('no socket'))
      socket.onclose = () => resolve()
      socket.onmessage = ({ data }) => {
        if (left <= 0) return
        messages.push(JSON.parse(data as string))
        left--
        if (left === 0 || isDone(messages)) {
          left = 0
          socket.close()
        }
      }
    })
  }
  return messages
}

const ended = (messages: readonly Message[]): boolean => messages.at(-1)?.type === 'end'
const textOf = (messages: readonly { text?: string }[]): string =>
  messages.map(({ text }) => text ?? '').join('')

describe('cuts', () => {
  const bytes = (text: string) => new TextEncoder().encode(text)

  test.each([
    ['a\nb\n', undefined, false, [2, 4]],
    ['a\nb', undefined, false, [2]],
    ['a\nb', undefined, true, [2, 3]],
    ['a\r\nb\rc', undefined, false, [3, 5]],
    ['a\r', undefined, false, []],
    ['a\r', undefined, true, [2]],
    ['a\r', 10, false, []],
    ['a\r', 65, false, [2]],
    ['', undefined, true, []],
  ])('%j', (text, next, final, cuts) => {
    expect(cutsOf(bytes(text), next, final)).toEqual(cuts)
  })

  test('a line longer than a cell is cut between characters', () => {
    const long = bytes(`${'x'.repeat(cellBytes - 1)}é`)
    expect(cutsOf(long.subarray(0, cellBytes), long[cellBytes], false)).toEqual([cellBytes - 1])
  })

  test.each(['aé', 'a€', 'a😀'])('%s is not cut in two', (text) => {
    const whole = bytes(text)
    for (let length = 1; length < whole.length; length++) {
      expect(wholeCharacters(whole.subarray(0, length))).toBe(1)
    }
    expect(wholeCharacters(whole)).toBe(whole.length)
  })

  test('bytes that are no characters are not held back for ever', () => {
    expect(wholeCharacters(new Uint8Array([0x80, 0x80, 0x80, 0x80]))).toBe(4)
    expect(wholeCharacters(new Uint8Array([0xff]))).toBe(0)
    expect(wholeCharacters(new Uint8Array([0xff, 0x41]))).toBe(2)
  })
})

describe('the channel', () => {
  test('whole lines, then where the job stands', async () => {
    await using server = await openServer()
    const { id } = server.add()
    await append(server, id, 0, 'one\ntw')
    const first = await watch(server, id, (messages) => messages.at(-1)?.type === 'state')
    expect(first.map(({ type, text, offset }) => [type, offset, text])).toEqual([
      ['log', 0, 'one\n'],
      ['state', undefined, undefined],
    ])
    const rest = watch(server, id, ended)
    await append(server, id, 6, 'o\nlast')
    server.change(id, { state: 'succeeded' })
    const all = (await rest).map(({ type, text, job }) => [type, text ?? job?.state])
    // An earlier `state` may say it too: each says where the job stands when it is sent.
    expect([...all.filter(([type]) => type === 'log'), ...all.slice(-2)]).toEqual([
      ['log', 'one\n'],
      ['log', 'two\n'],
      ['log', 'last'],
      ['state', 'succeeded'],
      ['end', undefined],
    ])
  })

  test('readers that come and go miss nothing and see nothing twice', async () => {
    await using server = await openServer()
    const { id } = server.add()
    const readers = [1, 3, 7, 50, Infinity].map((leaveAfter) =>
      watch(server, id, ended, leaveAfter),
    )
    let text = ''
    for (let turn = 0; turn < 60; turn++) {
      const chunk = `${'é'.repeat(turn % 7)}line ${turn}${['\n', '\r', '\r\n', ''][turn % 4]}`
      const bytes = Buffer.from(chunk)
      const cut = turn % bytes.length
      const size = Buffer.byteLength(text)
      await append(server, id, size, bytes.subarray(0, cut))
      if (turn % 9 === 0) server.change(id, { node: `n${turn}` })
      await append(server, id, size + cut, bytes.subarray(cut))
      text += chunk
    }
    server.change(id, { state: 'failed' })
    for (const messages of await Promise.all(readers)) {
      expect(textOf(messages)).toBe(text)
      const cursors = messages.map(({ cursor }) => cursor)
      expect(cursors).toEqual([...new Set(cursors)].sort((a, b) => a - b))
      expect(messages.findLast(({ type }) => type === 'state')?.job?.state).toBe('failed')
    }
  })

  test.each([1, 2, 3, 4])('an end right after look %d comes last', async (turn) => {
    await using server = await openServer()
    const { id } = server.add()
    await append(server, id, 0, 'one\nno newline')
    const look = server.jobs.get.bind(server.jobs)
    let looks = 0
    server.jobs.get = (key) => {
      const job = look(key)
      if (++looks === turn) server.change(id, { state: 'failed' })
      return job
    }
    expect(textOf(await watch(server, id, ended))).toBe('one\nno newline')
  })

  test('a second attempt goes on after the first', async () => {
    await using server = await openServer()
    const { id } = server.add()
    await append(server, id, 0, 'first')
    await server.streams.seal(id, 1)
    server.change(id, { attempt: 2 })
    await append(server, id, 0, 'second\n')
    server.change(id, { state: 'succeeded' })
    const messages = await watch(server, id, ended, 1)
    const logs = messages.filter(({ type }) => type === 'log')
    expect(logs.map(({ attempt, offset, text }) => [attempt, offset, text])).toEqual([
      [1, 0, 'first'],
      [2, 0, 'second\n'],
    ])
  })

  test("others' jobs are not there", async () => {
    await using server = await openServer()
    const reply = await fetch(`${server.url}/ws/jobs/jnone`, {
      headers: { connection: 'upgrade', upgrade: 'websocket' },
    })
    expect(reply.status).toBe(404)
  })
})

interface SentEvent {
  readonly id: string
  readonly event: string
  readonly data: Message & { readonly state?: string }
}

/** Reads events until there are so many, or the stream ends. */
const follow = async (
  server: Server,
  path: string,
  lastId?: string,
  atMost = Infinity,
): Promise<SentEvent[]> => {
  const hangUp = new AbortController()
  const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
  const reply = await fetch(`${server.url}${path}`, { headers, signal: hangUp.signal })
  expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const events: SentEvent[] = []
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of reply.body!) {
    text += decoder.decode(chunk, { stream: true })
    const frames = text.split('\n\n')
    text = frames.pop()!
    for (const frame of frames) {
      const fields = Object.fromEntries(
        frame.split('\n').map((line) => [line.split(':', 1)[0], line.slice(line.indexOf(':') + 2)]),
      )
      if (fields['data'] === undefined || events.length >= atMost) continue
      events.push({ id: fields['id']!, event: fields['event']!, data: JSON.parse(fields['data']) })
    }
    if (events.length >= atMost) break
  }
  hangUp.abort()
  return events
}

describe('server-sent events', () => {
  test('bytes at once, also of half a line; then the end', async () => {
    await using server = await openServer()
    const { id } = server.add()
    await append(server, id, 0, 'Loading')
    const first = await follow(server, `/api/jobs/${id}/logs/follow`, undefined, 2)
    expect(first.map(({ event, data }) => [event, data.text ?? data.state])).toEqual([
      ['log', 'Loading'],
      ['state', 'running'],
    ])
    const rest = follow(server, `/api/jobs/${id}/logs/follow`, first.at(-1)!.id)
    await append(server, id, 7, '... done\n')
    server.change(id, { state: 'succeeded' })
    const events = await rest
    expect(textOf(events.map(({ data }) => data))).toBe('... done\n')
    expect(events.slice(-2).map(({ event, data }) => [event, data.state])).toEqual([
      ['state', 'succeeded'],
      ['end', 'succeeded'],
    ])
  })

  test('readers that come and go', async () => {
    await using server = await openServer()
    const { id } = server.add()
    const read = async () => {
      const events: SentEvent[] = []
      while (events.at(-1)?.event !== 'end') {
        const path = `/api/jobs/${id}/logs/follow`
        events.push(...(await follow(server, path, events.at(-1)?.id, 2)))
      }
      return textOf(events.map(({ data }) => data))
    }
    const readers = [read(), read()]
    let text = ''
    for (let turn = 0; turn < 20; turn++) {
      const bytes = Buffer.from(`😀 ${turn}\n`)
      const size = Buffer.byteLength(text)
      await append(server, id, size, bytes.subarray(0, 2))
      await append(server, id, size + 2, bytes.subarray(2))
      text += bytes.toString()
    }
    server.change(id, { state: 'succeeded' })
    expect(await Promise.all(readers)).toEqual([text, text])
  })

  test('begins where it is told to', async () => {
    await using server = await openServer()
    const { id } = server.add()
    await append(server, id, 0, 'one\ntwo\nthree\n')
    server.change(id, { state: 'succeeded' })
    const texts = ['offset=4', 'tail=1', 'offset=99', 'tail=0']
    const found = await Promise.all(
      texts.map(async (query) =>
        textOf(
          (await follow(server, `/api/jobs/${id}/logs/follow?${query}`)).map(({ data }) => data),
        ),
      ),
    )
    expect(found).toEqual(['two\nthree\n', 'three\n', '', ''])
  })

  test('ends when the server stops', async () => {
    await using server = await openServer()
    const { id } = server.add()
    const reading = follow(server, `/api/jobs/${id}/logs/follow`)
    await follow(server, `/api/jobs/${id}/logs/follow`, undefined, 1)
    await server.stop()
    expect((await reading).map(({ event }) => event)).toEqual(['state'])
  })
})
