/** Trained models: their files by digest, their figures, and the policies that act. */
import {
  type Blobs,
  type Clock,
  type Database,
  HearthError,
  type Jobs,
  type Queries,
  sql,
  type Who,
} from '../../src/sdk.ts'
import { Policy } from './models/policy.ts'
import type { PolicyFile } from './models/policy-file.ts'
import type { Session } from './session.ts'
import { percent } from './training/evaluation.ts'
import { modelPaths } from './training/model-paths.ts'

interface Row {
  readonly n: number
  readonly id: string
  readonly owner_id: number
  readonly session_id: string
  readonly name: string
  readonly scenario: string
  readonly version: number
  readonly framework: string
  readonly accuracy: number
  readonly episodes: number
  readonly size: number
  readonly policy_sha256: string
  readonly onnx_sha256: string
  readonly test: string
  readonly created_at: number
}

export type Model = Row

export interface RegistryOptions {
  readonly db: Database
  readonly blobs: Blobs
  readonly jobs: Jobs
  readonly clock: Clock
}

/** Policies that acted last stay in memory. */
const keptPolicies = 32

export class Registry {
  readonly #options: RegistryOptions
  readonly #policies = new Map<string, Promise<Policy>>()

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  /** What a training's job left; null: nothing. Once for each session. */
  async take(owner: Who, session: Session, jobId: string): Promise<Model | null> {
    const { db, blobs, jobs, clock } = this.#options
    const [known] = await modelsWhere(db, sql`session_id = ${session.id}`)
    if (known) return known
    const left = (await jobs.bytes.artifacts(owner, jobId)).map(({ path }) => path)
    if (!Object.values(modelPaths).every((path) => left.includes(path))) return null
    const read = async (path: string) =>
      new Uint8Array(
        await new Response(await jobs.bytes.artifact(owner, jobId, path)).arrayBuffer(),
      )
    const text = await read(modelPaths.policy)
    const onnx = await read(modelPaths.onnx)
    const file = JSON.parse(new TextDecoder().decode(text)) as PolicyFile
    const policyBlob = await blobs.put(new Blob([text]).stream())
    const onnxBlob = await blobs.put(new Blob([onnx]).stream())
    const digits = session.id.split('_').at(-1) ?? ''
    const id = `model_${session.n}_${digits}`
    const { scenario, settings, episodes, harness } = file
    const test = harness?.test ?? file.test
    await db.run(sql`insert into scenarios_model
      (id, owner_id, session_id, name, scenario, version, framework, accuracy, episodes, size,
       policy_sha256, onnx_sha256, test, created_at)
      values (${id}, ${owner.id}, ${session.id}, ${`${scenario.id} ${settings.algorithm}`},
       ${scenario.id}, ${scenario.version}, ${session.framework},
       ${percent(test.successes, test.episodes)}, ${episodes}, ${onnx.length},
       ${policyBlob.sha256}, ${onnxBlob.sha256}, ${JSON.stringify(test)}, ${clock.now()})`)
    const [made] = await modelsWhere(db, sql`id = ${id}`)
    return made ?? null
  }

  async list(who: Who): Promise<Model[]> {
    const all = who.isSuperuser ? sql`1 = 1` : sql`owner_id = ${who.id}`
    return modelsWhere(this.#options.db, all)
  }

  /** @throws HearthError `not_found` */
  async get(who: Who, id: string): Promise<Model> {
    const [model] = await modelsWhere(this.#options.db, sql`id = ${id}`)
    if (model && (model.owner_id === who.id || who.isSuperuser)) return model
    throw new HearthError('not_found', 'Model not found')
  }

  async policy({ id, policy_sha256 }: Model): Promise<Policy> {
    const known = this.#policies.get(id) ?? this.#load(policy_sha256)
    this.#policies.delete(id)
    this.#policies.set(id, known)
    known.catch(() => this.#policies.delete(id))
    const [oldest] = this.#policies.keys()
    if (this.#policies.size > keptPolicies && oldest !== undefined) this.#policies.delete(oldest)
    return known
  }

  async file(sha256: string): Promise<ReadableStream<Uint8Array>> {
    const bytes = await this.#options.blobs.get(sha256)
    if (!bytes) throw new HearthError('gone', 'The file of the model is no longer stored')
    return bytes
  }

  /** Its files go too, unless another model has the same. */
  async remove(who: Who, id: string): Promise<void> {
    const { db, blobs } = this.#options
    const model = await this.get(who, id)
    await db.run(sql`delete from scenarios_model where id = ${id}`)
    this.#policies.delete(id)
    for (const sha256 of [model.policy_sha256, model.onnx_sha256]) {
      const same = sql`policy_sha256 = ${sha256} or onnx_sha256 = ${sha256}`
      if ((await modelsWhere(db, same)).length === 0) await blobs.delete(sha256)
    }
  }

  async #load(sha256: string): Promise<Policy> {
    const text = await new Response(await this.file(sha256)).text()
    return new Policy(JSON.parse(text) as PolicyFile)
  }
}

const modelsWhere = (q: Queries, condition: ReturnType<typeof sql>): Promise<Row[]> =>
  q.rows<Row>(sql`select * from scenarios_model where ${condition} order by n`)

export const modelView = (model: Model) => ({
  id: model.id,
  name: model.name,
  scenario: model.scenario,
  scenario_version: model.version,
  framework: model.framework,
  accuracy: model.accuracy,
  episodes: model.episodes,
  created_at: new Date(model.created_at).toISOString().replace('Z', ''),
  size_mb: model.size / 1e6,
  session_id: model.session_id,
  sha256: model.onnx_sha256,
  test: JSON.parse(model.test) as object,
})
