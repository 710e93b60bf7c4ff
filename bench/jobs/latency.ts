/** From the moment a job is handed in to the first byte of its output at whoever follows it. */
import { quantile } from '../table.ts'
import { type BenchServer, type JobAnswer, untilSucceeded } from './server.ts'

export interface Latency {
  readonly p50: number
  readonly p99: number
}

const warmUps = 10

export const measureLatency = async (server: BenchServer, jobs: number): Promise<Latency> => {
  const times: number[] = []
  for (let index = -warmUps; index < jobs; index++) {
    const begun = performance.now()
    const plan = { command: ['/bin/echo', 'hello'] }
    const { id } = await server.ask<JobAnswer>('POST', '/api/jobs', { plan })
    await firstByte(server, id)
    if (index >= 0) times.push(performance.now() - begun)
    await untilSucceeded(server, id)
  }
  const sorted = Float64Array.from(times)
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) }
}

const firstByte = async (server: BenchServer, id: string): Promise<void> => {
  const reply = await fetch(`${server.origin}/api/jobs/${id}/logs/follow?offset=0`)
  if (!reply.ok || !reply.body) throw new Error(`follow: ${reply.status}`)
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of reply.body) {
    text += decoder.decode(bytes, { stream: true })
    if (text.includes('event: log')) return
  }
  throw new Error(`Job ${id} ended without output`)
}
