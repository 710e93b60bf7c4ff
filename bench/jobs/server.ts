/** The server under measurement, and what all rows ask of it. */
import { readFileSync } from 'node:fs'
import { callJson, type Hearth, startHearth } from '../../scripts/hearth.ts'
import { temporaryDatabase, temporaryFolder } from '../../scripts/temporary.ts'

export interface BenchServer extends AsyncDisposable {
  readonly origin: string
  readonly pid: number
  readonly folder: string
  ask<T>(method: string, path: string, body?: unknown): Promise<T>
  joinToken(): Promise<string>
}

export type DatabaseKind = 'sqlite' | 'postgres'

export const startServer = async (kind: DatabaseKind, localSlots: number): Promise<BenchServer> => {
  const folder = await temporaryFolder()
  const database = kind === 'postgres' ? await temporaryDatabase() : null
  const hearth: Hearth = await startHearth({
    dataDir: `${folder.path}/data`,
    env: {
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'warn',
      LOCAL_SLOTS: `${localSlots}`,
      ...(database && { DATABASE_URL: database.url }),
    },
  })
  const ask = <T>(method: string, path: string, body?: unknown) =>
    callJson<T>(hearth.origin, '', method, path, body)
  return {
    origin: hearth.origin,
    pid: hearth.pid,
    folder: folder.path,
    ask,
    async joinToken() {
      const reply = await ask<{ token: string }>('POST', '/api/nodes/tokens', { uses: null })
      return reply.token
    },
    async [Symbol.asyncDispose]() {
      await hearth.end()
      await database?.[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export interface JobAnswer {
  readonly id: string
  readonly state: string
  readonly outcome: {
    readonly reason: string
    readonly message: string | null
    readonly usage: { readonly wallMs: number; readonly cpuMs?: number } | null
  } | null
}

/** @throws when it ends in any other way than well */
export const untilSucceeded = async (server: BenchServer, id: string): Promise<JobAnswer> => {
  for (;;) {
    const job = await server.ask<JobAnswer>('GET', `/api/jobs/${id}`)
    if (job.state === 'succeeded') return job
    if (['failed', 'cancelled', 'lost'].includes(job.state)) {
      throw new Error(`Job ${id} ${job.state}: ${job.outcome?.reason} ${job.outcome?.message}`)
    }
    await Bun.sleep(10)
  }
}

/** Processor time that a process has used, in milliseconds; NaN once it is gone. */
export const cpuMs = (pid: number): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A hundred ticks a second, on every Linux there is.
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return Number.NaN
  }
}
