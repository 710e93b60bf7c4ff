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
}

type IngestKind = 'columns' | 'map' | 'one' | 'mlflow' | 'mlflow-one'

const columns = { hearth: 'columns', mlflow: 'mlflow' } as const
const map = { hearth: 'map', mlflow: 'mlflow' } as const
const goal = 'at least 40x'

export const ingestRows: readonly IngestRow[] = [
  {
    what: 'batches of 10 names x 100 steps, 1 client',
    kind: columns,
    names: 10,
    stepsPerName: 100,
    clients: 1,
  },
  {
    what: 'batches of 10 names x 100 steps, 8 clients',
    kind: columns,
    names: 10,
    stepsPerName: 100,
    clients: 8,
  },
  {
    what: 'batches of 1000 names x 1 step, 1 client',
    kind: columns,
    names: 1000,
    stepsPerName: 1,
    clients: 1,
  },
  {
    what: 'batches of 1000 names x 1 step, 8 clients',
    kind: columns,
    names: 1000,
    stepsPerName: 1,
    clients: 8,
  },
  { what: 'the same as a map, 1 client', kind: map, names: 1000, stepsPerName: 1, clients: 1 },
  { what: 'the same as a map, 8 clients', kind: map, names: 1000, stepsPerName: 1, clients: 8 },
].map((row) => ({ ...row, unit: 'points/s', goal }))

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
  const runId = await target.createRun(row.what)
  const points = row.names * row.stepsPerName
  const single = points === 1
  const wanted = scale[target.kind][single ? 'singles' : 'batches']
  const requestsPerClient = Math.ceil(wanted / row.clients)
  const load: Load = {
    kind: row.kind[target.kind],
    runId,
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
