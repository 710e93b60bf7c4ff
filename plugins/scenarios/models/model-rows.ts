/** Registered models as rows, and as the document has them. */
import type { Queries } from '../../../src/sdk.ts'
import { sql } from '../../../src/sdk.ts'
import { type Newest, newestRows } from '../newest.ts'
import type { ModelKind } from './manifest.ts'

export interface Model {
  readonly n: number
  readonly id: string
  readonly owner_id: number
  /** null: it was registered by another plugin. */
  readonly session_id: string | null
  readonly name: string
  /** Counts the models of that name, from 1. */
  readonly number: number
  readonly kind: ModelKind
  readonly scenario: string
  readonly version: number
  readonly framework: string
  /** Percent. */
  readonly accuracy: number
  readonly episodes: number
  /** Bytes, of all its files. */
  readonly size: number
  readonly test: string
  readonly lineage: string
  readonly created_at: number
}

/** Where a model comes from: what would have to be done again to get it. */
export interface Lineage {
  readonly scenario?: { readonly id: string; readonly version: number; readonly hash: string }
  readonly settings?: Readonly<Record<string, unknown>>
  readonly trainingDigest?: string
  readonly jobId?: string
  /** The run that has its curves. */
  readonly runId?: string
  readonly sessionId?: string
  /** The model it began from. */
  readonly parentId?: string
  readonly base?: string
}

export interface ModelFile {
  readonly model_id: string
  readonly path: string
  readonly sha256: string
  readonly size: number
}

type Condition = ReturnType<typeof sql>

export const modelsWhere = (
  q: Queries,
  condition: Condition,
  newest: Newest = {},
): Promise<Model[]> => newestRows<Model>(q, sql`scenarios_model where ${condition}`, newest)

export const filesWhere = (q: Queries, condition: Condition): Promise<ModelFile[]> =>
  q.rows<ModelFile>(sql`select * from scenarios_artifact where ${condition} order by path`)

export const modelView = (model: Model, files: readonly ModelFile[]) => ({
  id: model.id,
  name: model.name,
  version: model.number,
  kind: model.kind,
  scenario: model.scenario,
  scenario_version: model.version,
  framework: model.framework,
  accuracy: model.accuracy,
  episodes: model.episodes,
  created_at: new Date(model.created_at).toISOString().replace('Z', ''),
  size_mb: model.size / 1e6,
  session_id: model.session_id,
  artifacts: files
    .filter(({ model_id }) => model_id === model.id)
    .map(({ path, sha256, size }) => ({ path, sha256, size })),
  test: JSON.parse(model.test) as object,
  lineage: JSON.parse(model.lineage) as Lineage,
})
