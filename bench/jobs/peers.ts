/** The same queue in pg-boss and in BullMQ, as their own documents have it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { temporaryDatabase } from '../../scripts/temporary.ts'
import { slots, workers } from './drain.ts'

const folder = join(import.meta.dir, '../../.cache/bench-peers')
/** The newest of each that installs on a machine with these registries. */
const versions = ['pg-boss@10.4.2', 'bullmq@6.7.0']

/** What is used of them; they are no dependencies, so their own types are not here. */
interface PgBoss {
  on(event: 'error', listen: (error: Error) => void): void
  start(): Promise<unknown>
  stop(options: object): Promise<void>
  createQueue(name: string): Promise<void>
  insert(jobs: readonly object[]): Promise<unknown>
  fetch(name: string, options: object): Promise<{ id: string }[]>
  complete(name: string, ids: string[]): Promise<unknown>
}
interface BullQueue {
  addBulk(jobs: readonly object[]): Promise<unknown>
  obliterate(options: object): Promise<void>
  close(): Promise<void>
}
interface BullWorker {
  close(): Promise<void>
}

export interface PeerFigures {
  readonly jobsPerSecond: number
  readonly wrong: number
}

export const installPeers = async (): Promise<void> => {
  if (existsSync(join(folder, 'node_modules/bullmq'))) return
  const at = ['--prefix', folder, '--silent', '--no-audit', '--no-fund']
  await must(['npm', 'install', ...at, ...versions])
}

export const measurePgBoss = async (jobs: number): Promise<PeerFigures> => {
  await using database = await temporaryDatabase()
  const loaded = await import(join(folder, 'node_modules/pg-boss/src/index.js'))
  const Boss = loaded.default as new (options: object) => PgBoss
  const boss = new Boss({ connectionString: database.url, max: workers, supervise: false })
  boss.on('error', () => undefined)
  await boss.start()
  await boss.createQueue('bench')
  for (let done = 0; done < jobs; done += 1000) {
    await boss.insert(Array.from({ length: 1000 }, () => ({ name: 'bench', data: {} })))
  }
  const seen = new Set<string>()
  let fetched = 0
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (;;) {
        const batch = await boss.fetch('bench', { batchSize: slots })
        if (batch.length === 0) return
        for (const { id } of batch) seen.add(id)
        fetched += batch.length
        await boss.complete(
          'bench',
          batch.map(({ id }) => id),
        )
      }
    }),
  )
  const seconds = (performance.now() - begun) / 1000
  await boss.stop({ graceful: false, wait: true })
  return {
    jobsPerSecond: jobs / seconds,
    wrong: Math.abs(jobs - seen.size) + Math.abs(jobs - fetched),
  }
}

export const measureBullMq = async (jobs: number): Promise<PeerFigures> => {
  const { Queue, Worker } = (await import(join(folder, 'node_modules/bullmq'))) as {
    Queue: new (name: string, options: object) => BullQueue
    Worker: new (
      name: string,
      work: (job: { id: string }) => Promise<void>,
      o: object,
    ) => BullWorker
  }
  const url = new URL(process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379')
  const connection = { host: url.hostname, port: Number(url.port), maxRetriesPerRequest: null }
  const name = `bench-${crypto.randomUUID()}`
  const queue = new Queue(name, { connection })
  for (let done = 0; done < jobs; done += 1000) {
    await queue.addBulk(Array.from({ length: 1000 }, () => ({ name: 'bench', data: {} })))
  }
  const seen = new Map<string, number>()
  const all = Promise.withResolvers<void>()
  let finished = 0
  const work = async ({ id }: { id: string }) => {
    seen.set(id, (seen.get(id) ?? 0) + 1)
    if (++finished === jobs) all.resolve()
  }
  const begun = performance.now()
  const running = Array.from(
    { length: workers },
    () => new Worker(name, work, { connection, concurrency: slots }),
  )
  await all.promise
  const seconds = (performance.now() - begun) / 1000
  await Promise.all(running.map((worker) => worker.close()))
  await queue.obliterate({ force: true })
  await queue.close()
  return { jobsPerSecond: jobs / seconds, wrong: finished - seen.size }
}
