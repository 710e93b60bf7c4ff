/** Our side: a real server, an experiment by its API, programs in sandboxes as always. */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { callJson, startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { watchHealth } from './health.ts'
import { type Beginning, phasesOf, type StepJob } from './phases.ts'
import { steps } from './programs.ts'
import type { ScriptedModel } from './script.ts'

/** `phases` are of one worker's nodes: several overlap, and theirs mean nothing. */
export interface ExperimentRun extends Beginning {
  readonly seconds: number
  /** Wall time of the programs, added up. */
  readonly inPrograms: number
  readonly metrics: readonly (number | null)[]
  /** Of the answers of `/health` while code ran. */
  readonly healthMs: readonly number[]
}

export interface Bench {
  /** One experiment of ten steps; `warm`: its programs begin with the usual imports done. */
  run(workers: number, warm?: boolean): Promise<ExperimentRun>
  stop(): Promise<void>
}

interface Results {
  readonly status: string
  readonly journal: {
    readonly nodes: readonly { execTime: number; metric: { value: number | null } }[]
  }
}

export const startBench = async (
  folder: string,
  python: string,
  model: ScriptedModel,
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
      OPENAI_BASE_URL: model.url,
      LOG_LEVEL: 'error',
    },
    args: ['--config', config],
  })
  const ask = async <T>(method: string, path: string, body?: object): Promise<T> => {
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

  const jobsOf = async (id: string): Promise<StepJob[]> => {
    type Events = { readonly events: readonly { readonly jobId?: string }[] }
    const { events } = await ask<Events>('GET', `/api/experiments/${id}/events`)
    const jobIds = new Set(events.flatMap(({ jobId }) => jobId ?? []))
    return Promise.all(
      [...jobIds].map((job) => callJson<StepJob>(server.origin, '', 'GET', `/api/jobs/${job}`)),
    )
  }

  return {
    async run(workers, warm = true) {
      const { id } = await ask<{ id: string }>('POST', '/api/experiments', {
        name: 'Digits',
        goal: 'Predict the target',
        eval: 'accuracy',
        steps,
        files: [file?.id],
        models: { code: { model: 'scripted' } },
        workers,
        search: { debugProb: 1 },
        // What AIDE does, and no more: its score is what the program prints.
        ...{ target: null, reruns: 0, ensemble: false, report: false },
        exec: { timeoutS: 600, warm },
      })
      const health = await watchHealth(server.origin)
      const startedAt = Date.now()
      await ask('POST', `/api/experiments/${id}/start`)
      const isOver = async () => {
        const { status } = await ask<Results>('GET', `/api/experiments/${id}/status`)
        return status === 'completed' || status === 'failed'
      }
      await waitUntil('the end of the experiment', isOver, 600_000)
      const endedAt = Date.now()
      const healthMs = await health.end()
      const { status, journal } = await ask<Results>('GET', `/api/experiments/${id}/results`)
      if (status !== 'completed') {
        const { error } = await ask<{ error: object }>('GET', `/api/experiments/${id}`)
        throw new Error(`It is ${status}: ${JSON.stringify(error)}\n${server.output()}`)
      }
      return {
        seconds: (endedAt - startedAt) / 1000,
        beginMs: (model.askedAt[0] ?? Number.NaN) - startedAt,
        inPrograms: journal.nodes.reduce((sum, { execTime }) => sum + execTime, 0),
        metrics: journal.nodes.map(({ metric }) => metric.value),
        phases: phasesOf([...model.askedAt, endedAt], await jobsOf(id)),
        healthMs,
      }
    },
    async stop() {
      await server.end()
    },
  }
}
