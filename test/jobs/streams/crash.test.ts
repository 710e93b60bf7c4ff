/** The server is killed again and again while a job writes: nothing is lost or comes twice. */
import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeToken } from './fixture.ts'

const kills = 3
/** Appends of each stream between two kills. */
const turns = 12
const script = join(import.meta.dir, 'crash-server.ts')

const startServer = async (folder: string) => {
  const child = Bun.spawn(['bun', script, folder], { stdin: 'pipe', stdout: 'pipe' })
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const line = async (): Promise<string> => {
    while (!text.includes('\n')) {
      const { value, done } = await reader.read()
      if (done) throw new Error('The server ended')
      text += value
    }
    const [first = '', ...rest] = text.split('\n')
    text = rest.join('\n')
    return first
  }
  return { child, line, url: await line() }
}

test('kill -9 in the middle of appends and batches', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-crash-'))
  const log = Array.from({ length: 4_000 }, (_, at) => `line ${at} ${'x'.repeat(at % 90)}\n`).join(
    '',
  )
  const events = Array.from(
    { length: 1_500 },
    (_, at) => `{"type":"metric","name":"m${at % 3}","value":${at}}\n`,
  ).join('')
  const sent = { log: 0, events: 0 }
  const whole = { log: Buffer.from(log), events: Buffer.from(events) }
  let server = await startServer(folder)
  try {
    const send = async (stream: 'log' | 'events', bytes: number) => {
      const offset = sent[stream]
      const body = whole[stream].subarray(offset, offset + bytes)
      const reply = await fetch(`${server.url}/api/attempts/j1/1/${stream}?offset=${offset}`, {
        method: 'PUT',
        body,
        headers: { authorization: `Bearer ${nodeToken}` },
      })
      expect([200, 416]).toContain(reply.status)
      sent[stream] = ((await reply.json()) as { size: number }).size
    }
    const step = whole.log.length / (kills + 1) / turns
    const eventStep = whole.events.length / (kills + 1) / turns
    for (let killed = 0; killed <= kills; killed++) {
      for (let turn = 0; turn < turns; turn++) {
        await send('log', Math.ceil(step))
        await send('events', Math.ceil(eventStep))
      }
      if (killed === kills) break
      // What is on its way may arrive or not, or in part.
      const lost = [send('log', 5_000), send('events', 900)]
      server.child.kill('SIGKILL')
      await Promise.allSettled(lost)
      await server.child.exited
      server = await startServer(folder)
    }
    while (sent.log < whole.log.length) await send('log', 100_000)
    while (sent.events < whole.events.length) await send('events', 100_000)
    const files = [join(folder, 'log'), join(folder, 'events')] as const
    await Bun.write(files[0], log)
    await Bun.write(files[1], events)
    server.child.stdin.write(`${JSON.stringify(files)}\n`)
    server.child.stdin.flush()
    expect(JSON.parse(await server.line())).toEqual({ ok: true })
    expect(await (await fetch(`${server.url}/api/jobs/j1/logs`)).text()).toBe(log)

    const text = await Bun.file(join(folder, 'batches')).text()
    const given = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as [string, { value: number; step: number }[]])
    const batches = new Map<string, string>()
    for (const [id, points] of given) {
      // Repeated after a kill, a batch is the same to the last point.
      expect(batches.get(id) ?? JSON.stringify(points)).toBe(JSON.stringify(points))
      batches.set(id, JSON.stringify(points))
    }
    const points = [...batches.values()].flatMap(
      (batch) => JSON.parse(batch) as { value: number; step: number }[],
    )
    expect(points.map(({ value }) => value)).toEqual(Array.from({ length: 1_500 }, (_, at) => at))
    expect(points.map(({ step }) => step)).toEqual(
      Array.from({ length: 1_500 }, (_, at) => Math.floor(at / 3)),
    )
  } finally {
    server.child.kill('SIGKILL')
    await server.child.exited
    await rm(folder, { recursive: true, force: true })
  }
}, 60_000)
