/** Rows of the table: how fast points go in, and what they take on disk. */
import { generate } from '../generator.ts'
import type { Load } from './loads.ts'
import type { Scale } from './scale.ts'
import type { Target } from './target.ts'

export interface IngestRow {
  readonly what: string
  readonly unit: string
  readonly goal?: string
  readonly kind: { readonly hearth: IngestKind; readonly mlflow: IngestKind }
  readonly names: number
  readonly stepsPerName: number
  readonly clients: number
  /** All clients log to one run; absent: each to its own. */
  readonly oneRun?: boolean
}

type IngestKind = 'columns' | 'map' | 'one' | 'mlflow' | 'mlflow-one'

const deep = {
  what: 'batches of 10 names x 100 steps',
  kind: { hearth: 'columns', mlflow: 'mlflow' },
  names: 10,
  stepsPerName: 100,
} as const
const wide = {
  what: 'batches of 1000 names x 1 step',
  kind: { hearth: 'columns', mlflow: 'mlflow' },
  names: 1000,
  stepsPerName: 1,
} as const
const map = {
  ...wide,
  what: `${wide.what}, as a map`,
  kind: { hearth: 'map', mlflow: 'mlflow' },
} as const

export const ingestRows: readonly IngestRow[] = [deep, wide, map].flatMap((batch) =>
  [
    { ...batch, clients: 1, what: `${batch.what}, 1 client` },
    { ...batch, clients: 8, what: `${batch.what}, 8 clients` },
    { ...batch, clients: 8, what: `${batch.what}, 8 clients in one run`, oneRun: true },
  ].map((row) => ({ ...row, unit: 'points/s', goal: 'at least 40x' })),
)

export const singleRow: IngestRow = {
  what: 'one point per request, 32 clients',
  unit: 'requests/s',
  goal: 'at least 50x',
  kind: { hearth: 'one', mlflow: 'mlflow-one' },
  names: 1,
  stepsPerName: 1,
  clients: 32,
}

/** Points (or requests of one point) a second. */
export const measureIngest = async (
  target: Target & { kind: 'hearth' | 'mlflow' },
  row: IngestRow,
  scale: Scale,
  round: number,
): Promise<number> => {
  const runs = row.oneRun ? 1 : row.clients
  const runIds: string[] = []
  // One after the other: MLflow fails when 32 are created at once.
  for (let i = 0; i < runs; i++) runIds.push(await target.createRun(row.what))
  const points = row.names * row.stepsPerName
  const single = points === 1
  const wanted = scale[target.kind][single ? 'singles' : 'batches']
  const requestsPerClient = Math.ceil(wanted / row.clients)
  const load: Load = {
    kind: row.kind[target.kind],
    runIds,
    names: row.names,
    stepsPerName: row.stepsPerName,
    round,
  }
  const { seconds } = await generate({
    origin: target.origin,
    ...(target.token && { token: target.token }),
    clients: row.clients,
    requestsPerClient,
    load,
  })
  return (requestsPerClient * row.clients * points) / seconds
}
