/** How fast the live hub alone is, without HTTP and storage around it: for tuning it. */
import { join } from 'node:path'
import { systemClock } from '../src/kernel/clock.ts'
import { standardLogger } from '../src/kernel/log.ts'
import { memoryBus } from '../src/live/bus.ts'
import { createHub } from '../src/live/hub.ts'
import type { Channel, LiveMessage } from '../src/live/live.ts'
import type { FromSubscribers } from './subscribers.ts'
import { quantile } from './table.ts'

// bun bench/live-hub.ts [subscribers] [messages a second] [seconds] [message|batch] [a publish]
const number = (index: number, otherwise: number) => Number(process.argv[index] ?? otherwise)
const subscribers = number(2, 1_000)
const perSecond = number(3, 1_000)
const seconds = number(4, 10)
const format = process.argv[5] ?? 'message'
const perPublish = number(6, 1)
const stalled = 1

const hub = createHub({ bus: memoryBus(), clock: systemClock, log: standardLogger('info') })
const live = hub.liveOf('bench')
const stored: LiveMessage[] = []
const channel: Channel = {
  path: '/ws',
  open: () => ({
    topic: 'run',
    async *replay(since) {
      for (let at = since; at < stored.length; at += 1_000) yield stored.slice(at, at + 1_000)
    },
  }),
}
const server = Bun.serve({
  port: 0,
  websocket: hub.websocket,
  fetch: (request, socket) =>
    hub.upgrade({
      request,
      socket,
      channel,
      params: {},
      who: null,
      pluginId: 'bench',
    }) as Promise<never>,
})

const point = (cursor: number): LiveMessage => {
  const value = performance.timeOrigin + performance.now()
  const timestamp = '2026-11-21T01:41:16.123456'
  return {
    cursor,
    data: { id: cursor, run_id: 1, name: 'train/loss', value, step: cursor, timestamp },
  }
}

/** Publishes on an even beat. Answers how much processor time that took, as a share of one core. */
const publish = async (): Promise<number> => {
  const cpuBefore = process.cpuUsage()
  const begun = performance.now()
  while (performance.now() - begun < seconds * 1000) {
    const due = Math.floor(((performance.now() - begun) * perSecond) / 1000)
    while (stored.length + perPublish <= due) {
      const messages = Array.from({ length: perPublish }, (_, i) => point(stored.length + 1 + i))
      stored.push(...messages)
      live.publish('run', messages)
    }
    await Bun.sleep(1)
  }
  const { user, system } = process.cpuUsage(cpuBefore)
  return (user + system) / 1e6 / seconds
}

const child = Bun.spawn([process.execPath, join(import.meta.dir, 'subscribers.ts')], {
  stdio: ['ignore', 'inherit', 'inherit'],
  serialization: 'advanced',
  async ipc(message: FromSubscribers) {
    if (message.type === 'failed') throw new Error(message.message)
    if (message.type === 'done') return finish(message)
    const rssBefore = process.memoryUsage.rss()
    cores = await publish()
    await Bun.sleep(500)
    rssGrowth = process.memoryUsage.rss() - rssBefore
    child.send('report')
  },
})
let cores = 0
let rssGrowth = 0

const finish = async (report: Extract<FromSubscribers, { type: 'done' }>) => {
  const ms = (share: number) => Number(quantile(report.latenciesMs, share).toFixed(1))
  const figures = {
    ...{ subscribers, perSecond, format, perPublish },
    published: stored.length,
    frames: report.messages,
    ...{ p50Ms: ms(0.5), p99Ms: ms(0.99), maxMs: ms(1) },
    hubCores: Number(cores.toFixed(2)),
    readerCores: Number((report.cpuSeconds / seconds).toFixed(2)),
    rssMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    rssGrowthMb: Math.round(rssGrowth / 2 ** 20),
    ...hub.stats(),
  }
  process.stdout.write(`${JSON.stringify(figures)}\n`)
  child.kill()
  await hub.stop()
  await server.stop(true)
}
child.send({
  origin: server.url.origin,
  path: `/ws?format=${format}`,
  readers: subscribers,
  stalled,
})
