/** What a program says is applied exactly once: progress, metrics, checkpoints. */
import { afterAll, beforeAll, describe, expect, spyOn, test } from 'bun:test'
import { exceptionIn } from '../../../src/jobs/attempt-log-error.ts'
import { parseEvents } from '../../../src/jobs/events-parse.ts'
import { Pace } from '../../../src/jobs/events-progress.ts'
import type { MetricBatch, SinkJob } from '../../../src/jobs/sink.ts'
import { HearthError } from '../../../src/sdk.ts'
import { DiskFullError } from '../../../src/storage/errors.ts'
import { type Bench, dialects, eventually, finishOf, openBench } from './fixture.ts'

const lines = (...events: unknown[]): string =>
  events.map((event) => `${typeof event === 'string' ? event : JSON.stringify(event)}\n`).join('')

describe('lines', () => {
  const read = (text: string) => parseEvents(Buffer.from(text), { base: 100, maxLines: 99 })

  test.each([
    ['{"type":"metric","name":"loss","value":0.5,"step":3}', { value: 0.5, step: 3 }],
    ['{"type":"metric","name":"loss","value":NaN}', { value: Number.NaN }],
    ['{"type":"metric","name":"loss","value":-Infinity}', { value: -Infinity }],
    [
      '{"type":"metric","name":"loss","value":"Infinity","time":1.5}',
      { value: Infinity, time: 15e5 },
    ],
    [
      '{"type":"metric","name":"loss","value":1,"time":"1970-01-01T00:00:02"}',
      { value: 1, time: 2e6 },
    ],
  ])('%s', (line, fields) => {
    expect(read(`${line}\n`).lines[0]?.event).toEqual({ type: 'metric', name: 'loss', ...fields })
  })

  test.each([
    '{',
    '[]',
    '7',
    '{"type":7}',
    '{"type":"metric","name":"loss"}',
    '{"type":"metric","name":"a\\u0000b","value":1}',
    '{"type":"metric","name":"","value":1}',
    '{"type":"progress","done":-1}',
    '{"type":"progress","done":NaN}',
    '{"type":"artifact"}',
    '{"type":"message","text":5}',
    '{"a":NaNs}',
  ])('%s is broken', (line) => {
    const found = read(`${line}\n`).lines[0]
    expect([found?.event, typeof found?.problem, found?.offset]).toEqual([null, 'string', 100])
  })

  test('types it does not know are kept, and a text of NaN stays a text', () => {
    expect(
      read('{"type":"__proto__"}\n{"type":"note","text":"NaN, \\"NaN\\"","x":NaN}\n').lines,
    ).toEqual([
      { offset: 100, json: { type: '__proto__' }, event: null, problem: null },
      {
        offset: 121,
        json: { type: 'note', text: 'NaN, "NaN"', x: 'NaN' },
        event: null,
        problem: null,
      },
    ])
  })

  test('half a line waits for its end', () => {
    expect(read('\n \r\n{"type":"note"}\r\n{"type":').consumed).toBe(21)
  })
})

describe.each(dialects)('events on %s', (dialect) => {
  let bench: Bench
  const batches: MetricBatch[] = []
  const ends: SinkJob[] = []
  let failure: Error | undefined
  beforeAll(async () => {
    bench = await openBench(dialect)
    bench.streams.addSink({
      async append(batch) {
        const error = failure
        failure = undefined
        if (error) throw error
        batches.push(batch)
        return '7'
      },
      async ended(job) {
        const error = failure
        failure = undefined
        if (error) throw error
        ends.push(job)
      },
    })
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  const write = (jobId: string, offset: number, text: string) =>
    bench.streams.append(jobId, 1, 'events', offset, Buffer.from(text))
  const get = async (path: string) => (await bench.server.fetch(path)).json() as Promise<never>
  /** All of it is applied when `check` answers. */
  const finish = (jobId: string, text: string) =>
    bench.streams.check(bench.jobs.get(jobId)!, 1, finishOf('', text))
  const points = (jobId: string) =>
    batches
      .filter(({ job }) => job.id === jobId)
      .flatMap((batch) => batch.points.map(({ name, value, step }) => [name, value, step]))

  test('metrics, progress and checkpoints, in pieces that cut lines', async () => {
    const { id } = bench.add()
    const text = lines(
      { type: 'metric', name: 'loss', value: 1.5, step: 10 },
      { type: 'metric', name: 'loss', value: 1.25 },
      { type: 'progress', done: 1, total: 10, message: 'epoch 1' },
      'broken',
      { type: 'checkpoint', path: 'ckpt/1.pt', step: 1 },
      'broken again',
      { type: 'note', free: 'form' },
      { type: 'metric', name: 'loss', value: 1 },
    )
    for (let at = 0; at < text.length; at += 37) await write(id, at, text.slice(at, at + 37))
    expect(await finish(id, text)).toEqual({ ok: true })
    expect(points(id)).toEqual([
      ['loss', 1.5, 10],
      ['loss', 1.25, 1],
      ['loss', 1, 2],
    ])
    const time = new Date(bench.server.clock.now()).toISOString()
    expect(await get(`/api/jobs/${id}/metrics`)).toEqual({
      run_id: '7',
      metrics: { loss: { value: 1, step: 2, time, points: 3 } },
    } as never)
    expect(await bench.streams.progressOf([id, 'jother'])).toEqual(
      new Map([[id, { done: 1, total: 10, message: 'epoch 1', eta_s: null }]]),
    )
    expect(await bench.streams.sawCheckpoint(id, 1)).toBe(true)
    const page = (await get(`/api/jobs/${id}/events`)) as {
      events: { type: string; text?: string }[]
      next: number
    }
    expect(page.events.map(({ type }) => type)).toEqual([
      'metric',
      'metric',
      'progress',
      'message',
      'checkpoint',
      'note',
      'metric',
    ])
    expect([page.events[3]?.text, page.next]).toEqual([
      `The line at byte ${text.indexOf('broken')} cannot be read: it is not JSON`,
      text.length,
    ])
  })

  test('the first is applied at once, what comes soon after it together', async () => {
    const { id } = bench.add()
    const batchesOf = () => batches.filter(({ job }) => job.id === id)
    const texts = ['a', 'b', 'c'].map((name) => lines({ type: 'metric', name, value: 1 }))
    const [first = '', second = '', third = ''] = texts
    using waiting = spyOn(bench.server.clock, 'after')
    await write(id, 0, first)
    await eventually(async () => waiting.mock.calls.find(([delayMs]) => delayMs === 200))
    expect(batchesOf()).toHaveLength(1)
    await write(id, first.length, second)
    await write(id, first.length + second.length, third)
    bench.server.clock.advance(200)
    await eventually(async () => batchesOf()[1])
    await finish(id, texts.join(''))
    expect(batchesOf().map((batch) => batch.points.map(({ name }) => name))).toEqual([
      ['a'],
      ['b', 'c'],
    ])
  })

  test('what a sink cannot take now is given to it again, as the same batch', async () => {
    const { id } = bench.add()
    const first = lines({ type: 'metric', name: 'a', value: 1 })
    const second = lines({ type: 'metric', name: 'a', value: 2 })
    failure = new DiskFullError()
    await write(id, 0, first)
    await write(id, first.length, second)
    // The failure may have met the work in the background or this one.
    await finish(id, first + second).catch(() => finish(id, first + second))
    expect(points(id)).toEqual([
      ['a', 1, 0],
      ['a', 2, 1],
    ])
    expect(batches.find(({ job }) => job.id === id)?.batchId).toBe(`job/${id}/1/0`)
  })

  test('what a sink refuses is dropped, and the job goes on', async () => {
    const { id } = bench.add()
    failure = new HearthError('not_found')
    const text = lines({ type: 'metric', name: 'a', value: 1 })
    await write(id, 0, text)
    expect(await finish(id, text)).toEqual({ ok: true })
    expect(points(id)).toEqual([])
  })

  test('sinks are told of the end once', async () => {
    const { id } = bench.add()
    const silent = bench.add()
    const text = lines({ type: 'metric', name: 'a', value: 1 })
    await write(id, 0, text)
    await finish(id, text)
    bench.change(id, { state: 'failed' })
    failure = new DiskFullError()
    await bench.streams.ended(bench.jobs.get(id)!)
    expect(ends).toEqual([])
    bench.server.clock.advance(2_000)
    await eventually(async () => ends[0])
    for (const jobId of [id, id, silent.id]) await bench.streams.ended(bench.jobs.get(jobId)!)
    expect(ends.map((job) => [job.id, job.state])).toEqual([[id, 'failed']])
  })

  test('a line beyond all measure is skipped', async () => {
    const { id } = bench.add()
    const text = `${'x'.repeat(1_500_000)}\n${lines({ type: 'metric', name: 'a', value: 1 })}`
    await write(id, 0, text)
    expect(await finish(id, text)).toEqual({ ok: true })
    expect(points(id)).toEqual([['a', 1, 0]])
  })

  test('a last line without an end counts', async () => {
    const { id } = bench.add()
    const text = '{"type":"progress","done":5}'
    await write(id, 0, text)
    await finish(id, text)
    expect((await bench.streams.progressOf([id])).get(id)).toEqual({
      done: 5,
      total: null,
      message: null,
      eta_s: null,
    })
  })

  test('a deleted job leaves nothing', async () => {
    const { id } = bench.add()
    const text = lines({ type: 'metric', name: 'a', value: 1 }, { type: 'progress', done: 1 })
    await write(id, 0, text)
    await finish(id, text)
    await bench.server.db.transaction((tx) => bench.streams.forget(tx, id))
    expect(await get(`/api/jobs/${id}/metrics`)).toEqual({ run_id: null, metrics: {} } as never)
  })
})

describe('the pace', () => {
  test('says when it will be done', () => {
    const pace = new Pace()
    expect([0, 10, 20].map((done) => pace.add(done, 100, done * 100))).toEqual([
      null,
      10_000,
      10_000,
    ])
    // Half as fast from now on: the estimate follows.
    expect(pace.add(25, 100, 3_000)).toBe(12_000)
  })

  test('begins anew when the count falls', () => {
    const pace = new Pace({ done: 50, at: 0 })
    expect([pace.add(0, 100, 5_000), pace.add(10, 100, 6_000)]).toEqual([null, 15_000])
  })
})

describe('exceptions', () => {
  const trace = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    f()\n'
  test.each([
    [`${trace}ValueError: bad value\n`, { type: 'ValueError', message: 'bad value' }],
    [`x\n${trace}KeyboardInterrupt\n`, { type: 'KeyboardInterrupt', message: '' }],
    [
      `${trace}torch.cuda.OutOfMemoryError: CUDA\nTried 2 GiB\n\nbye\n`,
      { type: 'torch.cuda.OutOfMemoryError', message: 'CUDA\nTried 2 GiB' },
    ],
    [
      `${trace}KeyError: 'a'\n\nDuring handling of the above:\n\n${trace}OSError: b\n`,
      { type: 'OSError', message: 'b' },
    ],
    [`\u001b[31m${trace}\u001b[0mValueError: red\n`, { type: 'ValueError', message: 'red' }],
    ['fine\n', null],
    [trace, null],
  ])('%j', (log, expected) => {
    expect(exceptionIn(log)).toEqual(expected)
  })
})
