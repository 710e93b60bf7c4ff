/** The generator's process: encodes every request first, then sends them one by one. */
import type { FromWorker, Job } from './generator.ts'
import { Connection, encodeRequest } from '../scripts/http.ts'
import { requestsOf } from './tracking/loads.ts'

/** A timer may be late by so much: that is no wait for the server. */
const timerMs = 2

const tell = (message: FromWorker): void => {
  process.send?.(message)
}

let start: (() => Promise<void>) | undefined

process.on('message', (message: { type: 'job'; job: Job } | { type: 'go' }) => {
  const work = message.type === 'job' ? prepare(message.job) : start?.()
  work?.catch((error: Error) => tell({ type: 'failed', message: error.message }))
})

const prepare = async (job: Job): Promise<void> => {
  const clients = await Promise.all(
    Array.from({ length: job.clients }, async (_, client) => ({
      connection: await Connection.open(job.origin),
      requests: Array.from({ length: job.requestsPerClient }, (_, index) =>
        encodeRequest(job.origin, {
          ...requestsOf(job.load, client, index),
          ...(job.token && { token: job.token }),
        }),
      ),
    })),
  )
  start = async () => {
    const latenciesMs: number[] = []
    const cpuBefore = process.cpuUsage()
    const begun = performance.now()
    await Promise.all(
      clients.map(async ({ connection, requests }, client) => {
        for (const [index, request] of requests.entries()) {
          const due = begun + (index + client / job.clients) * (job.everyMs ?? 0)
          if (job.everyMs !== undefined) await Bun.sleep(Math.max(0, due - performance.now()))
          // What comes late for want of an answer to the last has waited since it was due.
          const isLate = job.everyMs !== undefined && performance.now() - due > timerMs
          const sent = isLate ? due : performance.now()
          const reply = await connection.send(request)
          latenciesMs.push(performance.now() - sent)
          if (reply.status !== 200) throw new Error(`${reply.status} ${reply.body}`.slice(0, 500))
        }
        connection.close()
      }),
    )
    const seconds = (performance.now() - begun) / 1000
    const cpu = process.cpuUsage(cpuBefore)
    const generatorLoad = (cpu.user + cpu.system) / 1e6 / seconds
    tell({ type: 'done', seconds, latenciesMs, generatorLoad })
  }
  tell({ type: 'ready' })
}
