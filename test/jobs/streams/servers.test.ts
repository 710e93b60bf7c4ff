/** Several servers on one database: each reads and goes on with what another one took. */
import { expect, test } from 'bun:test'
import { memoryBlobs } from '../../../src/storage/blobs-memory.ts'
import { silentLogger } from '../../../src/kernel/log.ts'
import { openStreams } from '../../../src/jobs/streams-open.ts'
import { finishOf, hostOf, openBench } from './fixture.ts'

test('bytes, followers and events meet across servers', async () => {
  await using bench = await openBench('postgres')
  const { db, clock } = bench.server
  const other = openStreams({
    db,
    blobs: memoryBlobs(),
    dataDir: '/nowhere',
    clock,
    log: silentLogger,
    live: { publish: () => undefined, advance: () => undefined, needsData: () => false },
    host: hostOf(bench.jobs),
    shared: true,
  })
  const given: string[] = []
  for (const streams of [bench.streams, other]) {
    streams.addSink({
      async append({ batchId, points }) {
        given.push(...points.map(({ value }) => `${batchId} ${value}`))
        return '1'
      },
    })
  }
  const { id } = bench.add()
  const reply = await bench.server.fetch(`/api/jobs/${id}/logs/follow`)
  const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader()
  // Whoever looks each second is told, again and again, that one has passed.
  const ticking = setInterval(() => clock.advance(1_000), 1)
  const until = async (word: string): Promise<void> => {
    for (let text = ''; !text.includes(word);) text += (await reader.read()).value ?? ''
  }
  await until('"state"')
  const bytes = (text: string) => Buffer.from(text)
  await bench.streams.append(id, 1, 'log', 0, bytes('from here, '))
  await other.append(id, 1, 'log', 11, bytes('from there\n'))
  await until('from there')

  const events = [1, 2, 3].map((value) => `{"type":"metric","name":"a","value":${value}}\n`)
  const sizes = await Promise.all([
    bench.streams.append(id, 1, 'events', 0, bytes(events.join(''))),
    other.append(id, 1, 'events', 0, bytes(events.slice(0, 2).join(''))),
  ])
  expect(Math.max(...sizes)).toBe(events.join('').length)
  const finish = finishOf('from here, from there\n', events.join(''))
  const job = bench.jobs.get(id)!
  const answers = await Promise.all([
    bench.streams.check(job, 1, finish),
    other.check(job, 1, finish),
  ])
  expect(answers).toEqual([{ ok: true }, { ok: true }])
  // A sink may be given a batch by both; under one id it is one.
  expect([...new Set(given)].map((line) => line.split(' ')[1])).toEqual(['1', '2', '3'])
  const metrics = (await (await bench.server.fetch(`/api/jobs/${id}/metrics`)).json()) as {
    metrics: { a: { points: number } }
  }
  expect(metrics.metrics.a.points).toBe(3)

  bench.jobs.set(id, { ...job, state: 'succeeded', version: 9 })
  await until('event: end')
  clearInterval(ticking)
  await reader.cancel()
  await other.stop()
})
