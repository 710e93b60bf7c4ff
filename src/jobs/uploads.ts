/** Content that users and nodes send by digest: resumable, stored once, seen by its owners only. */
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { BlobInfo, Blobs } from '../storage/blobs.ts'
import type { Database, Queries, Transaction } from '../storage/database.ts'
import { DigestMismatchError, UploadOffsetError } from '../storage/errors.ts'
import { inArray, sql } from '../storage/sql.ts'
import type { ByteSource } from './attempt-log.ts'

/** `u<user id>` or `n<node id>`: knowing a digest opens nothing that one has not sent oneself. */
export type BlobOwner = string

export const userOwner = (userId: number): BlobOwner => `u${userId}`
export const nodeOwner = (nodeId: string): BlobOwner => `n${nodeId}`

export interface UploadsOptions {
  readonly db: Database
  readonly blobs: Blobs
  readonly clock: Clock
  /** The largest file. */
  readonly maxBytes: number
  /** What one owner may have here. */
  readonly quotaBytes: number
}

/** Content that nothing names is kept this long after it was last asked for. */
const unusedMs = 24 * 60 * 60 * 1000
const touchMs = 60 * 60 * 1000

const rowsAtOnce = 500

export class Uploads {
  readonly #options: UploadsOptions
  /** Parts on their way; a newer one of the same file takes the place of an older. */
  readonly #running = new Map<string, { stop: () => void; done: Promise<unknown> }>()

  constructor(options: UploadsOptions) {
    this.#options = options
  }

  /** Content that one of the owners has sent, or null; asking keeps it for a while. */
  async find(owners: readonly BlobOwner[], sha256: string): Promise<BlobInfo | null> {
    const { db, blobs, clock } = this.#options
    if (!(await owned(db, owners, [sha256], clock.now())).has(sha256)) return null
    return blobs.info(sha256)
  }

  /** Bytes of an unfinished upload that are here. */
  async offset(owner: BlobOwner, sha256: string): Promise<number> {
    return this.#options.blobs.uploads.offset(idOf(owner, sha256))
  }

  /**
   * Adds a part; what arrived stays when the connection breaks. Answers the new size.
   * @throws UploadOffsetError when the part does not begin where the last one ended
   */
  async append(
    owner: BlobOwner,
    sha256: string,
    offset: number,
    bytes: ByteSource,
  ): Promise<number> {
    const { blobs, maxBytes, quotaBytes } = this.#options
    const left = quotaBytes - (await this.used(owner))
    if (offset >= left) throw new HearthError('too_large', `Only ${quotaBytes} bytes are yours`)
    const id = idOf(owner, sha256)
    // A connection that broke unnoticed would hold the upload until its end is found out.
    const older = this.#running.get(id)
    older?.stop()
    await older?.done.catch(() => undefined)
    const { stream, stop } = stoppable(bytes)
    const done = blobs.uploads.append(id, offset, stream, Math.min(maxBytes, left))
    const entry = { stop, done }
    this.#running.set(id, entry)
    try {
      return await done
    } finally {
      if (this.#running.get(id) === entry) this.#running.delete(id)
    }
  }

  /**
   * Makes content of the parts.
   * @throws UploadOffsetError when bytes are missing
   * @throws DigestMismatchError and the upload is forgotten: it begins anew
   */
  async commit(owner: BlobOwner, sha256: string, sizeBytes: number): Promise<BlobInfo> {
    const { blobs } = this.#options
    const id = idOf(owner, sha256)
    const offset = await blobs.uploads.offset(id)
    if (offset < sizeBytes) throw new UploadOffsetError(offset)
    // An empty file is never appended to.
    if (sizeBytes === 0) await blobs.uploads.append(id, 0, new Uint8Array())
    const blob = await blobs.uploads.commit(id, { sha256 }).catch(async (error: unknown) => {
      if (error instanceof DigestMismatchError) await blobs.uploads.abort(id)
      throw error
    })
    await this.#own(owner, blob)
    return blob
  }

  /** Content that comes whole, its digest not known before. @throws HearthError `too_large` */
  async put(owner: BlobOwner, bytes: ByteSource): Promise<BlobInfo> {
    const { blobs, maxBytes, quotaBytes } = this.#options
    const left = quotaBytes - (await this.used(owner))
    if (left <= 0) throw new HearthError('too_large', `Only ${quotaBytes} bytes are yours`)
    const blob = await blobs.put(bytes, { maxBytes: Math.min(maxBytes, left) })
    await this.#own(owner, blob)
    return blob
  }

  async #own(owner: BlobOwner, { sha256, sizeBytes }: BlobInfo): Promise<void> {
    const { db, clock, blobs } = this.#options
    await db.transaction(async (tx) => {
      await tx.lock(`jobs-blob-${sha256}`)
      await giveTo(tx, owner, [{ sha256, sizeBytes }], clock.now())
    })
    // From the row on nobody deletes it; before, a deletion of equal bytes may just have.
    if (await blobs.info(sha256)) return
    await db.run(sql`delete from jobs_blob where sha256 = ${sha256}`)
    throw new HearthError('unavailable', 'The same bytes were just deleted; send them again')
  }

  async used(owner: BlobOwner): Promise<number> {
    const [row] = await this.#options.db.rows<{ bytes: number | string | null }>(sql`
      select sum(size) as bytes from jobs_blob where owner = ${owner}`)
    return Number(row?.bytes ?? 0)
  }

  /** Deletes what no job names and nobody asked for lately. */
  async sweep(): Promise<void> {
    const { db } = this.#options
    const before = this.#options.clock.now() - unusedMs
    const rows = await db.rows<{ sha256: string }>(sql`
      select distinct sha256 from jobs_blob where used_at < ${before} and ${unnamed}`)
    for (const { sha256 } of rows) await this.#collect(sha256, before)
  }

  async #collect(sha256: string, before: number): Promise<void> {
    const { db, blobs } = this.#options
    await db.transaction(async (tx) => {
      await tx.lock(`jobs-blob-${sha256}`)
      await tx.run(sql`
        delete from jobs_blob where sha256 = ${sha256} and used_at < ${before} and ${unnamed}`)
      const left = await tx.rows(sql`select 1 from jobs_blob where sha256 = ${sha256} limit 1`)
      if (left.length === 0) await blobs.delete(sha256)
    })
  }
}

const unnamed = sql`
  not exists (select 1 from jobs_input where jobs_input.sha256 = jobs_blob.sha256)
  and not exists (select 1 from jobs_artifact where jobs_artifact.sha256 = jobs_blob.sha256)`

/** Which of the digests the owners have; all of them stay for another day at least. */
export const owned = async (
  q: Queries,
  owners: readonly BlobOwner[],
  digests: readonly string[],
  now: number,
): Promise<Set<string>> => {
  const found = new Set<string>()
  if (owners.length === 0) return found
  for (const some of batches(digests)) {
    const those = sql`${inArray(sql`owner`, [...owners])} and ${inArray(sql`sha256`, some)}`
    // Before it is read, so that a deletion that runs at the same time comes before or not at all.
    await q.run(sql`
      update jobs_blob set used_at = ${now} where ${those} and used_at < ${now - touchMs}`)
    const rows = await q.rows<{ sha256: string }>(sql`select sha256 from jobs_blob where ${those}`)
    for (const { sha256 } of rows) found.add(sha256)
  }
  return found
}

/** Makes content an owner's too. */
export const giveTo = async (
  tx: Transaction,
  owner: BlobOwner,
  blobs: readonly BlobInfo[],
  now: number,
): Promise<void> => {
  const distinct = new Map(blobs.map((blob) => [blob.sha256, blob]))
  for (const some of batches([...distinct.values()])) {
    const rows = some.map(
      ({ sha256, sizeBytes }) => sql`(${sha256}, ${owner}, ${sizeBytes}, ${now})`,
    )
    await tx.run(sql`
      insert into jobs_blob (sha256, owner, size, used_at) values ${sql.join(rows, sql`, `)}
      on conflict (sha256, owner) do update set used_at = excluded.used_at`)
  }
}

export const batches = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / rowsAtOnce) }, (_, at) =>
    items.slice(at * rowsAtOnce, (at + 1) * rowsAtOnce),
  )

const idOf = (owner: BlobOwner, sha256: string): string =>
  new Bun.CryptoHasher('sha256').update(`${owner}/${sha256}`).digest('hex')

/** The bytes, until somebody else goes on with them. */
const stoppable = (bytes: ByteSource): { stream: ByteSource; stop: () => void } => {
  if (bytes instanceof Uint8Array) return { stream: bytes, stop: () => undefined }
  const reader = bytes.getReader()
  let isStopped = false
  const stop = (): void => {
    isStopped = true
    reader.cancel().catch(() => undefined)
  }
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await reader.read()
        if (isStopped) throw new HearthError('conflict', 'It goes on over another connection')
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return { stream, stop }
}
