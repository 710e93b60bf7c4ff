/** The requests of each row of the table, the same points in each server's own words. */
import type { RequestParts } from '../../scripts/http.ts'

/** What one request holds. Every request of a load has steps of its own: nothing is sent twice. */
export type Load =
  | { readonly kind: 'repeat'; readonly request: RequestParts }
  | { readonly kind: 'pick'; readonly requests: readonly RequestParts[] }
  | ({ readonly kind: 'columns' } & Batch)
  | ({ readonly kind: 'map' } & Batch)
  | ({ readonly kind: 'one' } & Batch)
  | ({ readonly kind: 'mlflow' } & Batch)
  | ({ readonly kind: 'mlflow-one' } & Batch)

interface Batch {
  /** A run for each client, or one that all of them share as ranks of one training. */
  readonly runIds: readonly string[]
  readonly names: number
  readonly stepsPerName: number
  /** Keeps the steps of repeats apart. */
  readonly round: number
}

/** 2026-01-01, so that both servers store times of ordinary size. */
const epochMs = 1_767_225_600_000
const stepsPerRound = 100_000_000

/** A falling loss with noise in every bit of the mantissa, so that nothing compresses by luck. */
const value = (step: number): number => 1 / (1 + step * 1e-4) + Math.random() * 0.1

export const requestsOf = (load: Load, client: number, index: number): RequestParts => {
  if (load.kind === 'repeat') return load.request
  if (load.kind === 'pick') {
    const { requests } = load
    return requests[(client * 7919 + index) % requests.length] as RequestParts
  }
  const points: Points = {
    ...load,
    runId: load.runIds[client % load.runIds.length] as string,
    prefix: client > 0 && load.runIds.length === 1 ? `rank_${client}/metric_` : 'train/metric_',
  }
  return encoders[load.kind](points, load.round * stepsPerRound + index * load.stepsPerName)
}

interface Points {
  readonly runId: string
  readonly prefix: string
  readonly names: number
  readonly stepsPerName: number
}

const encoders = {
  columns: (batch: Points, base: number) => ({
    method: 'POST',
    path: `/metrics/${batch.runId}/batch`,
    body: JSON.stringify({
      series: Array.from({ length: batch.names }, (_, name) => {
        const steps = Array.from({ length: batch.stepsPerName }, (_, i) => base + i)
        return {
          name: `${batch.prefix}${name}`,
          steps,
          times: steps.map((step) => (epochMs + step) * 1000),
          values: steps.map(value),
        }
      }),
    }),
  }),
  map: (batch: Points, base: number) => ({
    method: 'POST',
    path: `/metrics/${batch.runId}/batch`,
    body: JSON.stringify({
      metrics: Object.fromEntries(
        Array.from({ length: batch.names }, (_, name) => [`${batch.prefix}${name}`, value(base)]),
      ),
      step: base,
      timestamp: new Date(epochMs + base).toISOString(),
    }),
  }),
  one: (batch: Points, base: number) => ({
    method: 'POST',
    path: `/metrics/${batch.runId}`,
    body: JSON.stringify({
      name: `${batch.prefix}0`,
      value: value(base),
      step: base,
      timestamp: new Date(epochMs + base).toISOString(),
    }),
  }),
  mlflow: (batch: Points, base: number) => ({
    method: 'POST',
    path: '/api/2.0/mlflow/runs/log-batch',
    body: JSON.stringify({
      run_id: batch.runId,
      metrics: Array.from({ length: batch.names }, (_, name) => name).flatMap((name) =>
        Array.from({ length: batch.stepsPerName }, (_, i) => ({
          key: `${batch.prefix}${name}`,
          value: value(base + i),
          timestamp: epochMs + base + i,
          step: base + i,
        })),
      ),
    }),
  }),
  'mlflow-one': (batch: Points, base: number) => ({
    method: 'POST',
    path: '/api/2.0/mlflow/runs/log-metric',
    body: JSON.stringify({
      run_id: batch.runId,
      key: `${batch.prefix}0`,
      value: value(base),
      timestamp: epochMs + base,
      step: base,
    }),
  }),
} satisfies Record<string, (batch: Points, base: number) => RequestParts>
