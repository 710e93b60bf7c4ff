/** Fills both servers with the same runs and the same long series, to read pages from. */
import { callJson } from '../../scripts/hearth.ts'
import type { RequestParts } from '../../scripts/http.ts'
import { requestsOf } from './loads.ts'
import type { Scale } from './scale.ts'
import type { HearthTarget, MlflowTarget, Target } from './target.ts'

export interface Seeded {
  /** A run with one series, as long as the chart row says. */
  readonly longRunId: string
  /** A run with a thousand names. */
  readonly wideRunId: string
}

const names = 1000
const wideSteps = 100

export const seed = async (target: HearthTarget | MlflowTarget, scale: Scale): Promise<Seeded> => {
  const sizes = scale[target.kind]
  const kind = target.kind === 'hearth' ? 'columns' : 'mlflow'
  const longRunId = await target.createRun('long')
  const perBatch = target.kind === 'hearth' ? 100_000 : 1000
  const long = { kind, runIds: [longRunId], names: 1, stepsPerName: perBatch, round: 0 } as const
  for (let index = 0; index * perBatch < sizes.chartPoints; index++)
    await call(target, requestsOf(long, 0, index))
  const wideRunId = await target.createRun('wide')
  const wide = { kind, runIds: [wideRunId], names, stepsPerName: 1, round: 0 } as const
  for (let index = 0; index < wideSteps; index++) await call(target, requestsOf(wide, 0, index))
  await eachOf(sizes.runs, (index) =>
    target.kind === 'hearth' ? hearthRun(target, index) : mlflowRun(target, index),
  )
  return { longRunId, wideRunId }
}

/** Ten of the thousand names, `loss` always among them. */
export const namesOf = (index: number): string[] => [
  'loss',
  ...Array.from({ length: 9 }, (_, i) => `layer_${(index * 9 + i) % (names - 1)}/norm`),
]

const metricsOf = (index: number): [string, number][] =>
  namesOf(index).map((name, i) => [name, Math.sin(index * 31 + i)])

const paramsOf = (index: number) => ({
  lr: 10 ** -(1 + (index % 5)),
  batch_size: 2 ** (index % 9),
  seed: index,
  optimizer: index % 2 ? 'adam' : 'sgd',
  depth: index % 50,
})

const hearthRun = async ({ origin, token, projectId }: HearthTarget, index: number) => {
  const run = await callJson<{ id: number }>(
    origin,
    token,
    'POST',
    `/runs/?project_id=${projectId}`,
    { name: `run ${index}`, config: paramsOf(index) },
  )
  const metrics = Object.fromEntries(metricsOf(index))
  await callJson(origin, token, 'POST', `/metrics/${run.id}/batch`, { metrics, step: 1 })
}

const mlflowRun = async ({ mlflow }: MlflowTarget, index: number) => {
  const runId = await mlflow.createRun(`run ${index}`)
  await mlflow.post('runs/log-batch', {
    run_id: runId,
    metrics: metricsOf(index).map(([key, value]) => ({ key, value, step: 1, timestamp: 1 })),
    params: Object.entries(paramsOf(index)).map(([key, value]) => ({ key, value: `${value}` })),
  })
}

const call = async ({ origin, token }: Target, request: RequestParts): Promise<void> => {
  const reply = await fetch(origin + request.path, {
    method: request.method,
    headers: {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(request.body !== undefined && { body: request.body }),
  })
  if (!reply.ok) throw new Error(`${request.path}: ${reply.status} ${await reply.text()}`)
  await reply.arrayBuffer()
}

/** Calls `work` for 0 .. count-1, eight at a time. */
const eachOf = async (count: number, work: (index: number) => Promise<void>): Promise<void> => {
  let next = 0
  const lane = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: 8 }, lane))
}
