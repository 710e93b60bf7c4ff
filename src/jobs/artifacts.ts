/** What jobs leave behind and what they begin with: names in the database, bytes by digest. */
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/log.ts'
import type { Blobs } from '../storage/blobs.ts'
import type { Database, Queries, Transaction } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { artifactPath } from './artifacts-path.ts'
import type { Artifact, Plan } from './protocol.ts'
import type { JobFacts } from './streams.ts'
import { type BlobOwner, batches, giveTo, nodeOwner, owned, userOwner } from './uploads.ts'

export interface StoredArtifact {
  readonly path: string
  readonly kind: Artifact['kind']
  readonly attempt: number
  readonly sha256: string
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly created_at: number
}

export interface ArtifactsOptions {
  readonly db: Database
  readonly blobs: Blobs
  readonly clock: Clock
  readonly log: Logger
}

const columns = sql.raw('path, kind, attempt, sha256, size, created_at')

/** Whose uploads may become artifacts of a job: its owner's, and its node's. */
const ownersOf = (job: JobFacts): BlobOwner[] => [
  userOwner(job.ownerId),
  ...(job.node === null ? [] : [nodeOwner(job.node)]),
]

export class Artifacts {
  readonly #options: ArtifactsOptions

  constructor(options: ArtifactsOptions) {
    this.#options = options
  }

  /** Digests that were not sent, or are gone. */
  async missing(job: JobFacts, artifacts: readonly Artifact[]): Promise<string[]> {
    const digests = [...new Set(artifacts.map(({ sha256 }) => sha256))]
    const { db, blobs, clock } = this.#options
    const sent = await owned(db, ownersOf(job), digests, clock.now())
    const missing: string[] = []
    for (const sha256 of digests) {
      if (!sent.has(sha256) || !(await blobs.info(sha256))) missing.push(sha256)
    }
    return missing
  }

  /** Names what an attempt left; a name that it used before, or an earlier attempt, is replaced. */
  async keep(
    tx: Transaction,
    job: JobFacts,
    attempt: number,
    artifacts: readonly Artifact[],
  ): Promise<void> {
    const { clock, log } = this.#options
    const now = clock.now()
    const named = new Map<string, Artifact>()
    for (const file of artifacts) {
      const path = artifactPath(file.path)
      if (path !== null) named.set(path, file)
      // The end of a job matters more than a name that nobody could use.
      else log.warn('An artifact has a forbidden name', { job: job.id, path: file.path })
    }
    await giveTo(tx, userOwner(job.ownerId), [...named.values()], now)
    for (const some of batches([...named])) {
      const rows = some.map(
        ([path, { kind, sha256, sizeBytes }]) =>
          sql`(${job.id}, ${path}, ${kind}, ${attempt}, ${sha256}, ${sizeBytes}, ${now})`,
      )
      await tx.run(sql`
        insert into jobs_artifact (job_id, ${columns}) values ${sql.join(rows, sql`, `)}
        on conflict (job_id, path) do update set kind = excluded.kind, size = excluded.size,
          attempt = excluded.attempt, sha256 = excluded.sha256, created_at = excluded.created_at`)
    }
  }

  /** @throws HearthError `validation` naming inputs that their owner never uploaded */
  async useInputs(tx: Transaction, jobId: string, ownerId: number, plan: Plan): Promise<void> {
    const digests = [...new Set((plan.files ?? []).map(({ sha256 }) => sha256))]
    if (digests.length === 0) return
    const sent = await owned(tx, [userOwner(ownerId)], digests, this.#options.clock.now())
    const missing = digests.filter((sha256) => !sent.has(sha256))
    if (missing.length > 0) {
      const message = `Upload these first: ${missing.slice(0, 20).join(', ')}`
      throw new HearthError('validation', message, {
        // All of them: whoever submits first sends exactly these.
        issues: missing.map((sha256) => ({ path: 'body.plan.files', message: sha256 })),
      })
    }
    for (const some of batches(digests)) {
      const values = some.map((sha256) => sql`(${jobId}, ${sha256})`)
      await tx.run(sql`
        insert into jobs_input (job_id, sha256) values ${sql.join(values, sql`, `)}
        on conflict (job_id, sha256) do nothing`)
    }
  }

  async list(jobId: string): Promise<StoredArtifact[]> {
    return this.#options.db.rows<StoredArtifact>(sql`
      select ${columns} from jobs_artifact where job_id = ${jobId} order by path`)
  }

  /** @throws HearthError `not_found` */
  async find(jobId: string, path: string): Promise<StoredArtifact> {
    const known = artifactPath(path)
    const [row] =
      known === null
        ? []
        : await this.#options.db.rows<StoredArtifact>(sql`
            select ${columns} from jobs_artifact where job_id = ${jobId} and path = ${known}`)
    if (!row) throw new HearthError('not_found', 'The job has no such artifact')
    return row
  }

  async open(
    { sha256, path }: StoredArtifact,
    range?: { start: number; end: number },
  ): Promise<ReadableStream<Uint8Array>> {
    const stream = await this.#options.blobs.get(sha256, range)
    if (!stream) throw new HearthError('gone', `The bytes of ${path} were deleted`)
    return stream
  }

  /** The latest one that an attempt left. */
  async lastCheckpoint(jobId: string): Promise<StoredArtifact | null> {
    const [row] = await this.#options.db.rows<StoredArtifact>(sql`
      select ${columns} from jobs_artifact where job_id = ${jobId} and kind = 'checkpoint'
      order by attempt desc, case when exists (select 1 from jobs_events
        where jobs_events.job_id = jobs_artifact.job_id
          and jobs_events.attempt = jobs_artifact.attempt
          and jobs_events.checkpoint = jobs_artifact.path) then 0 else 1 end,
        created_at desc, path desc limit 1`)
    return row ?? null
  }

  /** Whether any of the jobs begins with this content. */
  async isInputOf(jobIds: readonly string[], sha256: string): Promise<boolean> {
    for (const jobId of jobIds) {
      const rows = await this.#options.db.rows(sql`
        select 1 from jobs_input where job_id = ${jobId} and sha256 = ${sha256}`)
      if (rows.length > 0 || (await this.lastCheckpoint(jobId))?.sha256 === sha256) return true
    }
    return false
  }
}

export const forgetArtifacts = async (q: Queries, jobId: string): Promise<void> => {
  await q.run(sql`delete from jobs_input where job_id = ${jobId}`)
  await q.run(sql`delete from jobs_artifact where job_id = ${jobId}`)
}
