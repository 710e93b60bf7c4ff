/** Uploaded files: whose they are, what they were called, and when their bytes may go. */
import {
  type Blobs,
  type Clock,
  type Database,
  HearthError,
  type Queries,
  sql,
  type Transaction,
  type Who,
} from '../../../src/sdk.ts'
import { timeOf } from '../dialect.ts'
import { fileNotFound } from '../errors.ts'
import { mimeTypeOf, safeName, typeOf } from './names.ts'

export interface StoredFile {
  /** `file_` and 12 hexadecimal digits. */
  readonly id: string
  readonly ownerId: number
  /** As the client called it, without its folder. */
  readonly name: string
  readonly sha256: string
  readonly sizeBytes: number
  readonly mimeType: string
  readonly uploadedAt: number
}

interface FileRow {
  readonly id: string
  readonly owner_id: number
  readonly name: string
  readonly sha256: string
  readonly size: number
  readonly mime_type: string
  readonly uploaded_at: number
}

const fileOf = (row: FileRow): StoredFile => ({
  id: row.id,
  ownerId: row.owner_id,
  name: row.name,
  sha256: row.sha256,
  sizeBytes: row.size,
  mimeType: row.mime_type,
  uploadedAt: row.uploaded_at,
})

export const newId = (prefix: string): string =>
  `${prefix}_${Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString('hex')}`

/** What cannot be one never reaches the database, which may not take every text. */
const isId = (id: string): boolean => /^[\w-]+$/.test(id)

export interface FilesOptions {
  readonly db: Database
  readonly blobs: Blobs
  readonly clock: Clock
}

export class Files {
  readonly #options: FilesOptions

  constructor(options: FilesOptions) {
    this.#options = options
  }

  async add(who: Who, givenName: string, bytes: ReadableStream<Uint8Array>): Promise<StoredFile> {
    const { db, blobs, clock } = this.#options
    const name = safeName(givenName)
    const { sha256, sizeBytes } = await blobs.put(bytes)
    const file: StoredFile = {
      id: newId('file'),
      ownerId: who.id,
      name,
      sha256,
      sizeBytes,
      mimeType: mimeTypeOf(name),
      uploadedAt: clock.now(),
    }
    await db.transaction(async (tx) => {
      await this.keep(tx, [sha256])
      await tx.run(sql`
        insert into experiments_file (id, owner_id, name, sha256, size, mime_type, uploaded_at)
        values (${file.id}, ${who.id}, ${name}, ${sha256}, ${sizeBytes}, ${file.mimeType},
          ${file.uploadedAt})`)
    })
    return file
  }

  /**
   * To be called before the transaction names bytes: until it ends, nobody deletes them.
   * @throws HearthError `unavailable` when somebody just did, who had the only name of the same
   */
  async keep(tx: Transaction, digests: readonly string[]): Promise<void> {
    const distinct = [...new Set(digests)]
    for (const lock of [...new Set(distinct.map(lockOf))].sort()) await tx.lock(lock)
    for (const sha256 of distinct) {
      if (await this.#options.blobs.info(sha256)) continue
      throw new HearthError('unavailable', 'A file was deleted at the same time; send it again')
    }
  }

  /** @throws HearthError FILE_NOT_FOUND, also for a file of somebody else */
  async find(who: Who, id: string): Promise<StoredFile> {
    if (!isId(id)) throw fileNotFound()
    const [row] = await this.#options.db.rows<FileRow>(sql`
      select * from experiments_file where id = ${id}`)
    if (!row || (row.owner_id !== who.id && !who.isSuperuser)) throw fileNotFound(id)
    return fileOf(row)
  }

  async list(
    who: Who,
    page: number,
    limit: number,
  ): Promise<{ files: StoredFile[]; total: number }> {
    const { db } = this.#options
    const rows = await db.rows<FileRow>(sql`
      select * from experiments_file where owner_id = ${who.id}
      order by uploaded_at desc, id limit ${limit} offset ${(page - 1) * limit}`)
    const [count] = await db.rows<{ n: number }>(sql`
      select count(*) as n from experiments_file where owner_id = ${who.id}`)
    return { files: rows.map(fileOf), total: Number(count?.n ?? 0) }
  }

  /** Experiments that were made with it keep their copy. */
  async remove(who: Who, id: string): Promise<void> {
    const { db } = this.#options
    const file = await this.find(who, id)
    await db.run(sql`delete from experiments_file where id = ${id}`)
    await this.release([file.sha256])
  }

  async open({ sha256, id }: StoredFile, range?: { start: number; end: number }) {
    const bytes = await this.#options.blobs.get(sha256, range)
    if (!bytes) throw fileNotFound(id)
    return bytes
  }

  /** Deletes those of the bytes that no file and no experiment names any more. */
  async release(digests: readonly string[]): Promise<void> {
    const { db, blobs } = this.#options
    for (const sha256 of new Set(digests)) {
      await db.transaction(async (tx) => {
        await tx.lock(lockOf(sha256))
        if (!(await isNamed(tx, sha256))) await blobs.delete(sha256)
      })
    }
  }
}

/** One for many bytes: an archive of thousands of files would need as many locks otherwise. */
const lockOf = (sha256: string): string => `experiments blob ${sha256.slice(0, 2)}`

const isNamed = async (q: Queries, sha256: string): Promise<boolean> => {
  const rows = await q.rows(sql`
    select 1 from experiments_file where sha256 = ${sha256}
    union all select 1 from experiments_input where sha256 = ${sha256}
    union all select 1 from experiments_kept where sha256 = ${sha256} limit 1`)
  return rows.length > 0
}

export const fileView = ({ id, name, sizeBytes, mimeType, uploadedAt, sha256 }: StoredFile) => ({
  id,
  /** What it is called here: unique, whatever others upload. */
  filename: typeOf(name) === '' ? id : `${id}.${typeOf(name)}`,
  originalName: name,
  size: sizeBytes,
  mimeType,
  uploadedAt: timeOf(uploadedAt),
  sha256,
})
