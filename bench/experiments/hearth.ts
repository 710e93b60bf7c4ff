/** Our side: a real server, an experiment by its API, programs in sandboxes as always. */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { quantile } from '../table.ts'

export interface ExperimentRun {
  readonly seconds: number
  /** Wall time of the programs, added up. */
  readonly inPrograms: number
  readonly metrics: readonly (number | null)[]
  /** Answers of `/health` while code ran, in milliseconds. */
  readonly healthP99Ms: number
}

export interface Bench {
  /** One experiment of ten steps. */
  run(workers: number): Promise<ExperimentRun>
  stop(): Promise<void>
}

interface Results {
  readonly status: string
  readonly journal: {
    readonly nodes: readonly { execTime: number; metric: { value: number | null } }[]
  }
}

const healthEveryMs = 20

export const startBench = async (
  folder: string,
  python: string,
  modelUrl: string,
  table: string,
): Promise<Bench> => {
  const state = join(folder, 'hearth')
  await mkdir(state, { recursive: true })
  const config = join(state, 'hearth.config.json')
  await Bun.write(config, JSON.stringify({ plugins: { experiments: { config: { python } } } }))
  const base = (await must([python, '-c', 'import sys; print(sys.base_prefix)'], {})).trim()
  const server = await startHearth({
    dataDir: join(state, 'data'),
    env: {
      HEARTH_SHARE: `${dirname(dirname(python))}:${base}`,
      OPENAI_BASE_URL: modelUrl,
      LOG_LEVEL: 'error',
    },
    args: ['--config', config],
  })
  const ask = async <T>(method: string, path: string, body?: object | FormData): Promise<T> => {
    const isForm = body instanceof FormData
    const reply = await fetch(`${server.origin}${path}`, {
      method,
      ...(body && { body: isForm ? body : JSON.stringify(body) }),
      ...(body && !isForm && { headers: { 'content-type': 'application/json' } }),
    })
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`)
    return ((await reply.json()) as { data: T }).data
  }
  const form = new FormData()
  form.append('files', new File([await Bun.file(table).bytes()], 'digits.csv'))
  const [file] = await ask<{ id: string }[]>('POST', '/api/upload', form)

  return {
    async run(workers) {
      const { id } = await ask<{ id: string }>('POST', '/api/experiments', {
        name: 'Digits',
        goal: 'Predict the target',
        eval: 'accuracy',
        steps: 10,
        files: [file?.id],
        models: { code: { model: 'scripted' } },
        workers,
        // What AIDE does, and no more: its score is what the program prints.
        ...{ target: null, reruns: 0, ensemble: false, report: false },
        exec: { timeoutS: 600 },
      })
      const health = watchHealth(server.origin)
      const begun = performance.now()
      await ask('POST', `/api/experiments/${id}/start`)
      const isOver = async () => {
        const { status } = await ask<Results>('GET', `/api/experiments/${id}/status`)
        return status === 'completed' || status === 'failed'
      }
      await waitUntil('the end of the experiment', isOver, 600_000)
      const seconds = (performance.now() - begun) / 1000
      const latencies = await health.end()
      const { status, journal } = await ask<Results>('GET', `/api/experiments/${id}/results`)
      if (status !== 'completed') throw new Error(`The experiment is ${status}`)
      return {
        seconds,
        inPrograms: journal.nodes.reduce((sum, { execTime }) => sum + execTime, 0),
        metrics: journal.nodes.map(({ metric }) => metric.value),
        healthP99Ms: quantile(Float64Array.from(latencies), 0.99),
      }
    },
    async stop() {
      await server.end()
    },
  }
}

const watchHealth = (origin: string) => {
  const latencies: number[] = []
  let ends = false
  const watching = (async () => {
    while (!ends) {
      const begun = performance.now()
      await (await fetch(`${origin}/health`)).arrayBuffer()
      latencies.push(performance.now() - begun)
      await Bun.sleep(healthEveryMs)
    }
  })()
  return {
    async end() {
      ends = true
      await watching
      return latencies
    },
  }
}
