/** How fast a full queue is emptied by eight workers that have nothing else to do. */
import { callJson } from '../../scripts/hearth.ts'
import { SpeakingAgent, type Work } from './agent.ts'
import type { BenchServer } from './server.ts'

export const workers = 8
/** Jobs that a worker has at once. */
export const slots = 32

export interface Drained {
  readonly submitsPerSecond: number
  readonly jobsPerSecond: number
  /** Jobs that were begun more than once, or not at all. */
  readonly wrong: number
}

export const measureDrain = async (server: BenchServer, jobs: number): Promise<Drained> => {
  const submitsPerSecond = await fill(server, jobs)
  const token = await server.joinToken()
  const starts = new Map<string, number>()
  let finished = 0
  const agents = await Promise.all(
    Array.from({ length: workers }, (_, index) =>
      SpeakingAgent.join(server.origin, token, `worker-${crypto.randomUUID()}-${index}`, slots),
    ),
  )
  const begun = performance.now()
  await Promise.all(
    agents.map(async (agent) => {
      const held = new Map<string, Work>()
      const running = new Set<Promise<void>>()
      const work = async (one: Work): Promise<void> => {
        await agent.start(one)
        starts.set(one.job, (starts.get(one.job) ?? 0) + 1)
        await agent.finish(one)
        held.delete(one.job)
        finished++
      }
      while (finished < jobs) {
        const reply = await agent.sync([...held.values()], held.size > 0 ? 0 : 200)
        for (const one of reply.work.filter(({ job }) => !held.has(job) && !starts.has(job))) {
          held.set(one.job, one)
          const doing = work(one)
          running.add(doing)
          // A failure is heard by those who wait below.
          doing.then(() => running.delete(doing)).catch(() => undefined)
        }
        // New work is asked for when a good part of the old is done.
        while (running.size > slots / 2) await Promise.race(running)
        if (reply.work.length === 0) await Promise.all(running)
      }
      agent.close()
    }),
  )
  const seconds = (performance.now() - begun) / 1000
  const ones = [...starts.values()].filter((times) => times === 1).length
  const { total } = await server.ask<{ total: number }>('GET', '/api/jobs?state=succeeded&limit=1')
  return {
    submitsPerSecond,
    jobsPerSecond: jobs / seconds,
    wrong: Math.abs(jobs - ones) + Math.abs(jobs - total),
  }
}

/** Sixteen clients hand in one job at a time. Answers jobs per second. */
const fill = async (server: BenchServer, jobs: number): Promise<number> => {
  const begun = performance.now()
  let left = jobs
  const client = async () => {
    while (left-- > 0) {
      const body = { plan: { command: ['/bin/true'] } }
      await callJson(server.origin, '', 'POST', '/api/jobs', body)
    }
  }
  await Promise.all(Array.from({ length: 16 }, client))
  return jobs / ((performance.now() - begun) / 1000)
}
