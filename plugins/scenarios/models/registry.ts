/** Trained models: by name and version, their files by digest, and the policies that act. */
import {
  type Blobs,
  type Clock,
  type Database,
  HearthError,
  sql,
  type Who,
} from '../../../src/sdk.ts'
import {
  filesWhere,
  type Lineage,
  type Model,
  type ModelFile,
  modelsWhere,
  modelView,
} from './model-rows.ts'
import { type ModelKind, modelPaths } from './manifest.ts'
import { Policy } from './policy.ts'
import type { PolicyFile } from './policy-file.ts'
import type { Newest } from '../newest.ts'
import type { Models } from '../service.ts'

export interface RegistryOptions {
  readonly db: Database
  readonly blobs: Blobs
  readonly clock: Clock
}

export interface ModelDraft {
  /** Absent: one is made up. */
  readonly id?: string
  readonly sessionId?: string
  readonly name: string
  readonly kind: ModelKind
  readonly scenario: { readonly id: string; readonly version: number }
  readonly framework: string
  /** Percent of test episodes. */
  readonly accuracy: number
  readonly episodes: number
  readonly test: object
  readonly lineage: Lineage
  readonly files: readonly {
    readonly path: string
    open(): Promise<ReadableStream<Uint8Array>>
  }[]
}

/** Policies that acted last stay in memory. */
const keptPolicies = 32
/** Rows of models that act need no look into the database for so long. */
const recentMs = 1000
const keptRecent = 1000
const maxFiles = 1000
/** Held while it is decided which files nobody has any more, and what a version is called. */
const filesLock = 'scenarios models'
const maxTries = 3

type StoredFile = Pick<ModelFile, 'path' | 'sha256' | 'size'>

export class Registry {
  readonly #options: RegistryOptions
  readonly #policies = new Map<string, Promise<Policy>>()
  readonly #recent = new Map<string, { readonly model: Model; readonly until: number }>()
  readonly #whenRemoved: ((id: string) => void)[] = []

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  /** Keeps its files first, then tells of it; with the id of one that is there: that one. */
  async register(owner: Who, draft: ModelDraft): Promise<Model> {
    const { blobs } = this.#options
    const id = draft.id ?? `model_${crypto.randomUUID().replaceAll('-', '')}`
    if (draft.files.length > maxFiles) {
      throw new HearthError('validation', `A model has at most ${maxFiles} files`)
    }
    for (let tries = 0; tries < maxTries; tries++) {
      const files: StoredFile[] = []
      for (const { path, open } of draft.files) {
        const { sha256, sizeBytes: size } = await blobs.put(await open())
        files.push({ path, sha256, size })
      }
      if (await this.#tell(owner, draft, id, files)) return this.get(owner, id)
    }
    throw new HearthError('unavailable', 'The files of the model are deleted by others: try again')
  }

  /** False: a file went with the last model that had it, before this one was known. */
  #tell(owner: Who, draft: ModelDraft, id: string, files: readonly StoredFile[]): Promise<boolean> {
    const { db, blobs, clock } = this.#options
    const { scenario, name } = draft
    return db.transaction(async (tx) => {
      await tx.lock(filesLock)
      for (const { sha256 } of files) if (!(await blobs.info(sha256))) return false
      const [last] = await tx.rows<{ number: number | null }>(sql`
        select max(number) as number from scenarios_model
        where owner_id = ${owner.id} and name = ${name}`)
      const isNew = await tx.run(sql`insert into scenarios_model
        (id, owner_id, session_id, name, number, kind, scenario, version, framework, accuracy,
         episodes, size, test, lineage, created_at)
        values (${id}, ${owner.id}, ${draft.sessionId ?? null}, ${name},
         ${(last?.number ?? 0) + 1}, ${draft.kind}, ${scenario.id}, ${scenario.version},
         ${draft.framework}, ${draft.accuracy}, ${draft.episodes},
         ${files.reduce((sum, { size }) => sum + size, 0)}, ${JSON.stringify(draft.test)},
         ${JSON.stringify(draft.lineage)}, ${clock.now()})
        on conflict (id) do nothing`)
      if (isNew === 0) return true
      for (const { path, sha256, size } of files) {
        await tx.run(sql`insert into scenarios_artifact (model_id, path, sha256, size)
          values (${id}, ${path}, ${sha256}, ${size})`)
      }
      return true
    })
  }

  async list(who: Who, filter: Newest & { readonly name?: string } = {}): Promise<Model[]> {
    const { name } = filter
    const theirs = who.isSuperuser ? sql`1 = 1` : sql`owner_id = ${who.id}`
    const named = name === undefined ? sql`1 = 1` : sql`name = ${name}`
    return modelsWhere(this.#options.db, sql`${theirs} and ${named}`, filter)
  }

  /** What a training left, if it did. */
  async ofSession(sessionId: string): Promise<Model | null> {
    const [model] = await modelsWhere(this.#options.db, sql`session_id = ${sessionId}`)
    return model ?? null
  }

  /** @throws HearthError `not_found` */
  async get(who: Who, id: string): Promise<Model> {
    const [model] = await modelsWhere(this.#options.db, sql`id = ${id}`)
    if (model && (model.owner_id === who.id || who.isSuperuser)) return model
    throw new HearthError('not_found', 'Model not found')
  }

  /** As `get`; one that another server deletes is found for a second more. */
  async acting(who: Who, id: string): Promise<Model> {
    const now = this.#options.clock.now()
    const known = this.#recent.get(id)
    if (known && known.until > now && (known.model.owner_id === who.id || who.isSuperuser)) {
      return known.model
    }
    const model = await this.get(who, id)
    if (this.#recent.size >= keptRecent) this.#recent.clear()
    this.#recent.set(id, { model, until: now + recentMs })
    return model
  }

  /** Whoever keeps something of a model hears when it is gone. */
  onRemoved(listener: (id: string) => void): void {
    this.#whenRemoved.push(listener)
  }

  /** As the document has them, and with their files. */
  async views(models: readonly Model[]): Promise<ReturnType<typeof modelView>[]> {
    const [only] = models
    const files = await filesWhere(
      this.#options.db,
      models.length === 1 && only ? sql`model_id = ${only.id}` : sql`1 = 1`,
    )
    return models.map((model) => modelView(model, files))
  }

  async policy(model: Model): Promise<Policy> {
    if (model.kind !== 'policy') {
      throw new HearthError('conflict', `A model of kind ${model.kind} does not act by numbers`)
    }
    const { id } = model
    const known = this.#policies.get(id) ?? this.#load(model)
    this.#policies.delete(id)
    this.#policies.set(id, known)
    known.catch(() => this.#policies.delete(id))
    const [oldest] = this.#policies.keys()
    if (this.#policies.size > keptPolicies && oldest !== undefined) this.#policies.delete(oldest)
    return known
  }

  /** @throws HearthError `not_found`: it has no such file; `gone` */
  async file({ id }: Model, path: string): Promise<ReadableStream<Uint8Array>> {
    const { db, blobs } = this.#options
    const [file] = await filesWhere(db, sql`model_id = ${id} and path = ${path}`)
    if (!file) throw new HearthError('not_found', `The model has no file ${path}`)
    const bytes = await blobs.get(file.sha256)
    if (!bytes) throw new HearthError('gone', 'The file of the model is no longer stored')
    return bytes
  }

  filesOf({ id }: Model): Promise<readonly ModelFile[]> {
    return filesWhere(this.#options.db, sql`model_id = ${id}`)
  }

  /** What other plugins see of it. */
  get service(): Models {
    return {
      register: (owner, draft) => this.register(owner, draft),
      list: (who, filter) => this.list(who, filter),
      get: (who, id) => this.get(who, id),
      files: async (who, id) => this.filesOf(await this.get(who, id)),
      file: async (who, id, path) => this.file(await this.get(who, id), path),
      remove: (who, id) => this.remove(who, id),
    }
  }

  /** Its files go too, unless another model has the same. */
  async remove(who: Who, id: string): Promise<void> {
    const { db, blobs } = this.#options
    await this.get(who, id)
    await db.transaction(async (tx) => {
      await tx.lock(filesLock)
      const mine = await filesWhere(tx, sql`model_id = ${id}`)
      await tx.run(sql`delete from scenarios_model where id = ${id}`)
      await tx.run(sql`delete from scenarios_artifact where model_id = ${id}`)
      await tx.run(sql`update scenarios_session set model_id = null where model_id = ${id}`)
      for (const { sha256 } of mine) {
        const others = await filesWhere(tx, sql`sha256 = ${sha256}`)
        if (others.length === 0) await blobs.delete(sha256)
      }
    })
    this.#policies.delete(id)
    this.#recent.delete(id)
    for (const tell of this.#whenRemoved) tell(id)
  }

  async #load(model: Model): Promise<Policy> {
    const text = await new Response(await this.file(model, modelPaths.policy)).text()
    return new Policy(JSON.parse(text) as PolicyFile)
  }
}
