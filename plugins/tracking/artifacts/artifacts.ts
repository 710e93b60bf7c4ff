/** The files of runs: names in the database, bytes in the blob store, equal ones shared. */
import {
  type BlobInfo,
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

export interface Place {
  readonly runId: number
  readonly path: string
  readonly contentType: string
}

type Bytes = ReadableStream<Uint8Array> | Uint8Array

export interface Part {
  /** Where in the file it begins. */
  readonly offset: number
  readonly bytes: Bytes
}

export interface Upload extends Place {
  readonly bytes: Bytes
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
  async put({ bytes, sha256, ...place }: Upload): Promise<Artifact> {
    const { blobs, maxBytes } = this.#options
    const expect = { maxBytes, ...(sha256 !== undefined && { sha256 }) }
    return this.#link(place, await blobs.put(bytes, expect))
  }

  /** How many bytes of a file that comes in parts have arrived. */
  async offset(runId: number, path: string): Promise<number> {
    return this.#options.blobs.uploads.offset(uploadId(runId, path))
  }

  /**
   * Adds a part to a file, in constant memory; what arrived stays when the connection breaks.
   * @throws HearthError `conflict` when the part does not begin where the last one ended
   */
  async append(runId: number, path: string, part: Part): Promise<number> {
    const { blobs, maxBytes } = this.#options
    const id = uploadId(runId, path)
    return blobs.uploads.append(id, part.offset, part.bytes, maxBytes)
  }

  /** Makes a file of the parts. */
  async complete({ sha256, ...place }: Omit<Upload, 'bytes'>): Promise<Artifact> {
    const id = uploadId(place.runId, place.path)
    const expect = sha256 === undefined ? {} : { sha256 }
    return this.#link(place, await this.#options.blobs.uploads.commit(id, expect))
  }

  /** Forgets the parts of a file. */
  async abort(runId: number, path: string): Promise<void> {
    await this.#options.blobs.uploads.abort(uploadId(runId, path))
  }

  async #link(place: Place, blob: BlobInfo): Promise<Artifact> {
    const { runId, path, contentType } = place
    const createdAt = this.#options.clock.now() * 1000
    const replaced = await this.#name(place, blob, createdAt).catch(async (error: unknown) => {
      // The run may be gone by now: bytes without a name would stay for ever.
      await this.#collect([blob.sha256]).catch(() => undefined)
      throw error
    })
    if (replaced !== undefined && replaced !== blob.sha256) await this.#collect([replaced])
    // From the row on nobody deletes the blob; before it, a deletion of equal bytes may just have.
    if (!(await this.#options.blobs.info(blob.sha256))) {
      await this.delete(runId, path)
      throw new HearthError('unavailable', 'The same bytes were just deleted; send them again')
    }
    return { path, ...blob, contentType, createdAt }
  }

  /** Gives bytes a name; answers which bytes had it before. */
  #name(
    { runId, path, contentType }: Place,
    { sha256, sizeBytes }: BlobInfo,
    createdAt: number,
  ): Promise<string | undefined> {
    return this.#db.transaction(async (tx) => {
      const [old] = await tx.rows<{ sha256: string }>(sql`
        select sha256 from tracking_artifact where run_id = ${runId} and path = ${path}`)
      await lockBlob(tx, sha256)
      await tx.run(sql`
        insert into tracking_artifact (run_id, ${columns})
        values (${runId}, ${path}, ${sha256}, ${sizeBytes}, ${contentType}, ${createdAt})
        on conflict (run_id, path) do update set sha256 = excluded.sha256, size = excluded.size,
          content_type = excluded.content_type, created_at = excluded.created_at`)
      return old?.sha256
    })
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

/** One upload at a time for each path of a run: the client needs to remember no id of it. */
const uploadId = (runId: number, path: string): string =>
  `run-${runId}-${new Bun.CryptoHasher('sha256').update(path).digest('hex')}`
