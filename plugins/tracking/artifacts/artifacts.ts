/** The files of runs: names in the database, bytes in the blob store, shared when they are equal. */
import {
  type Blobs,
  type Clock,
  type Database,
  HearthError,
  type Queries,
  sql,
} from '../../../src/sdk.ts'

export interface Artifact {
  readonly path: string
  /** Lowercase hex. */
  readonly sha256: string
  readonly sizeBytes: number
  readonly contentType: string
  /** Microseconds since the epoch. */
  readonly createdAt: number
}

export interface Upload {
  readonly runId: number
  readonly path: string
  readonly bytes: ReadableStream<Uint8Array> | Uint8Array
  readonly contentType: string
  /** What the bytes must hash to. */
  readonly sha256?: string | undefined
}

export interface ArtifactsOptions {
  readonly db: Database
  readonly blobs: Blobs
  readonly clock: Clock
  readonly maxBytes: number
}

interface ArtifactRow {
  readonly path: string
  readonly sha256: string
  readonly size: number
  readonly content_type: string
  readonly created_at: number
}

const columns = sql.raw('path, sha256, size, content_type, created_at')

const toArtifact = (row: ArtifactRow): Artifact => ({
  path: row.path,
  sha256: row.sha256,
  sizeBytes: row.size,
  contentType: row.content_type,
  createdAt: row.created_at,
})

export class Artifacts {
  readonly #options: ArtifactsOptions
  readonly #db: Database

  constructor(options: ArtifactsOptions) {
    this.#options = options
    this.#db = options.db
  }

  /** Stores a file in constant memory; one that has the path already is replaced. */
  async put({ runId, path, bytes, contentType, sha256 }: Upload): Promise<Artifact> {
    const { blobs, clock, maxBytes } = this.#options
    const blob = await blobs.put(bytes, { maxBytes, ...(sha256 !== undefined && { sha256 }) })
    const createdAt = clock.now() * 1000
    const replaced = await this.#db.transaction(async (tx) => {
      const [old] = await tx.rows<{ sha256: string }>(sql`
        select sha256 from tracking_artifact where run_id = ${runId} and path = ${path}`)
      await lockBlob(tx, blob.sha256)
      await tx.run(sql`
        insert into tracking_artifact (run_id, ${columns})
        values (${runId}, ${path}, ${blob.sha256}, ${blob.sizeBytes}, ${contentType}, ${createdAt})
        on conflict (run_id, path) do update set sha256 = excluded.sha256, size = excluded.size,
          content_type = excluded.content_type, created_at = excluded.created_at`)
      return old?.sha256
    })
    if (replaced !== undefined && replaced !== blob.sha256) await this.#collect([replaced])
    // From the row on nobody deletes the blob; before it, a deletion of equal bytes may just have.
    if (!(await blobs.info(blob.sha256))) {
      await this.delete(runId, path)
      throw new HearthError('unavailable', 'The same bytes were just deleted; send them again')
    }
    return { path, ...blob, contentType, createdAt }
  }

  /** All files of a run, by path. */
  async list(runId: number): Promise<Artifact[]> {
    const rows = await this.#db.rows<ArtifactRow>(sql`
      select ${columns} from tracking_artifact where run_id = ${runId} order by path`)
    return rows.map(toArtifact)
  }

  /** @throws HearthError `not_found` */
  async find(runId: number, path: string): Promise<Artifact> {
    const [row] = await this.#db.rows<ArtifactRow>(sql`
      select ${columns} from tracking_artifact where run_id = ${runId} and path = ${path}`)
    if (!row) throw new HearthError('not_found', `The run has no artifact ${path}`)
    return toArtifact(row)
  }

  /** The bytes of a file, or a half-open range of them. */
  async open(
    { sha256, path }: Artifact,
    range?: { start: number; end: number },
  ): Promise<ReadableStream<Uint8Array>> {
    const stream = await this.#options.blobs.get(sha256, range)
    if (!stream) throw new HearthError('gone', `The bytes of ${path} were deleted`)
    return stream
  }

  /** @throws HearthError `not_found` */
  async delete(runId: number, path: string): Promise<void> {
    const { sha256 } = await this.find(runId, path)
    await this.#db.run(sql`
      delete from tracking_artifact where run_id = ${runId} and path = ${path}`)
    await this.#collect([sha256])
  }

  /** Drops every file of a run. */
  async deleteRun(runId: number): Promise<void> {
    const files = await this.list(runId)
    await this.#db.run(sql`delete from tracking_artifact where run_id = ${runId}`)
    await this.#collect(files.map((file) => file.sha256))
  }

  /** Deletes what a crash left behind: blobs that no file refers to any more. */
  async sweep(): Promise<void> {
    const rows = await this.#db.rows<{ sha256: string }>(sql`
      select sha256 from tracking_blob where not exists
        (select 1 from tracking_artifact where tracking_artifact.sha256 = tracking_blob.sha256)`)
    await this.#collect(rows.map((row) => row.sha256))
  }

  /** Deletes those of the blobs that nothing refers to. The lock keeps uploads of them waiting. */
  async #collect(hashes: readonly string[]): Promise<void> {
    for (const sha256 of new Set(hashes)) {
      await this.#db.transaction(async (tx) => {
        await lockBlob(tx, sha256)
        const used = await tx.rows(sql`
          select 1 from tracking_artifact where sha256 = ${sha256} limit 1`)
        if (used.length > 0) return
        await this.#options.blobs.delete(sha256)
        await tx.run(sql`delete from tracking_blob where sha256 = ${sha256}`)
      })
    }
  }
}

const lockBlob = (tx: Queries, sha256: string): Promise<number> =>
  tx.run(sql`insert into tracking_blob (sha256) values (${sha256})
    on conflict (sha256) do update set sha256 = excluded.sha256`)
