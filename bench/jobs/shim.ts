/** What it costs a program that only computes to be a job. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchServer, cpuMs, type JobAnswer, untilSucceeded } from './server.ts'

export interface ShimCost {
  /** Of the program's wall time, as a job against alone, less 1. */
  readonly wall: number
  /** The shim's processor time in the time that the program ran; its start left out. */
  readonly cpu: number
}

const command = (rounds: number) => [
  '/usr/bin/env',
  'awk',
  `BEGIN { for (i = 0; i < ${rounds}; i++) x += i % 7 }`,
]

export const measureShim = async (server: BenchServer, rounds: number): Promise<ShimCost> => {
  const begun = performance.now()
  const alone = Bun.spawn(command(rounds), { stdio: ['ignore', 'ignore', 'ignore'] })
  await alone.exited
  const aloneMs = performance.now() - begun

  const plan = { command: command(rounds) }
  const { id } = await server.ask<JobAnswer>('POST', '/api/jobs', { plan })
  let shim: number | undefined
  let first: { readonly at: number; readonly cpu: number } | undefined
  let last = { at: 0, cpu: 0 }
  let ended = false
  const watching = (async () => {
    while (!ended) {
      shim ??= shimOf(server, id)
      const cpu = shim === undefined ? Number.NaN : cpuMs(shim)
      if (!Number.isNaN(cpu)) {
        last = { at: performance.now(), cpu }
        // By then it is loaded, and the program runs.
        if (first === undefined) {
          await Bun.sleep(300)
          first = { at: performance.now(), cpu: cpuMs(shim as number) }
        }
      }
      await Bun.sleep(50)
    }
  })()
  const job = await untilSucceeded(server, id)
  ended = true
  await watching
  if (!first || last.at <= first.at) throw new Error('The shim was not seen at work')
  return {
    wall: (job.outcome?.usage?.wallMs ?? Number.NaN) / aloneMs - 1,
    cpu: (last.cpu - first.cpu) / (last.at - first.at),
  }
}

/** The claim in the folder of the attempt says who watches it. */
const shimOf = (server: BenchServer, job: string): number | undefined => {
  try {
    const claim = join(server.folder, 'data/node/attempts', `${job}-1`, 'claimed')
    return (JSON.parse(readFileSync(claim, 'utf8')) as { pid: number }).pid
  } catch {
    return undefined
  }
}
