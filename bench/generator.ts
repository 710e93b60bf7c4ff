/** Runs a load in a process of its own, so that making it does not slow down what is measured. */
import { join } from 'node:path'
import type { Load } from './tracking/loads.ts'

export interface Measured {
  readonly seconds: number
  readonly latenciesMs: Float64Array
  /** Share of one core that the generator itself used. */
  readonly generatorLoad: number
}

export interface Job {
  readonly origin: string
  readonly token?: string
  readonly clients: number
  readonly requestsPerClient: number
  /** Each client begins a request so often; absent: when it has the answer to the last. */
  readonly everyMs?: number
  readonly load: Load
}

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string }
  | {
      readonly type: 'done'
      readonly seconds: number
      readonly latenciesMs: number[]
      readonly generatorLoad: number
    }

/** Sends `clients * requestsPerClient` requests, each client one after the other. */
export const generate = (job: Job): Promise<Measured> =>
  new Promise((resolve, reject) => {
    const worker = Bun.spawn([process.execPath, join(import.meta.dir, 'worker.ts')], {
      stdio: ['ignore', 'inherit', 'inherit'],
      serialization: 'advanced',
      ipc(message: FromWorker) {
        if (message.type === 'ready') return worker.send({ type: 'go' })
        if (message.type === 'failed') reject(new Error(message.message))
        else resolve({ ...message, latenciesMs: Float64Array.from(message.latenciesMs) })
        worker.kill()
      },
      onExit: () => reject(new Error('The load generator ended early')),
    })
    worker.send({ type: 'job', job })
  })
