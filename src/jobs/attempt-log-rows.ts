/** Streams of attempts as rows: every server on the database reads and goes on with all of them. */
import type { Database, Queries } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import {
  type ByteStore,
  type StreamKey,
  type StreamName,
  StreamOffsetError,
  type StreamSizes,
} from './attempt-log.ts'
import { gather, turnOver } from './gather.ts'
import { jsonTable } from './json-rows.ts'

/** Small pieces join the last row until it is this long: a line a second makes no row a second. */
const rowBytes = 16 * 1024

/** Rows of at most a piece each are read at a time. */
const readRows = 4

interface Head {
  readonly size: number
  readonly last_start: number
  readonly sealed: boolean
}

const keyIs = ({ jobId, attempt, stream }: StreamKey) =>
  sql`job_id = ${jobId} and attempt = ${attempt} and stream = ${stream}`

const headOf = async (q: Queries, key: StreamKey, forUpdate = false): Promise<Head | undefined> => {
  const lock = forUpdate && q.dialect === 'postgres' ? sql`for update` : sql``
  const [head] = await q.rows<Head>(sql`
    select size, last_start, sealed from jobs_stream where ${keyIs(key)} ${lock}`)
  return head
}

/** The row of a stream is its size and its lock at once. */
const lockedHead = async (q: Queries, key: StreamKey): Promise<Head> => {
  const { jobId, attempt, stream } = key
  const head = await headOf(q, key, true)
  if (head) return head
  await q.run(sql`
    insert into jobs_stream (job_id, attempt, stream, size, last_start, sealed)
    values (${jobId}, ${attempt}, ${stream}, 0, 0, false)
    on conflict (job_id, attempt, stream) do nothing`)
  return (await headOf(q, key, true))!
}

const addRow = async (q: Queries, key: StreamKey, head: Head, bytes: Uint8Array) => {
  const { jobId, attempt, stream } = key
  const joins = head.size > head.last_start && head.size + bytes.length - head.last_start < rowBytes
  const start = joins ? head.last_start : head.size
  if (joins) {
    await q.run(sql`update jobs_chunk set bytes = bytes || ${bytes}
      where ${keyIs(key)} and start = ${start}`)
  } else {
    await q.run(sql`insert into jobs_chunk (job_id, attempt, stream, start, bytes)
      values (${jobId}, ${attempt}, ${stream}, ${start}, ${bytes})`)
  }
  const size = head.size + bytes.length
  await q.run(sql`update jobs_stream set size = ${size}, last_start = ${start} where ${keyIs(key)}`)
  return size
}

interface SizeRow {
  readonly job_id: string
  readonly attempt: number
  readonly stream: StreamName
  readonly size: number
}

type AttemptKey = Omit<StreamKey, 'stream'>

/** Asks for the sizes of many attempts at once. */
const sizesBy = (rowsOf: (keys: readonly AttemptKey[]) => Promise<SizeRow[]>) => {
  const rows = gather(rowsOf, turnOver)
  return async (key: AttemptKey): Promise<StreamSizes> => {
    const sizes = { log: 0, events: 0 }
    for (const { job_id, attempt, stream, size } of await rows(key)) {
      if (job_id === key.jobId && attempt === key.attempt) sizes[stream] = size
    }
    return sizes
  }
}

const given = (db: Database, keys: readonly AttemptKey[]) =>
  jsonTable(
    db,
    'given',
    { job_id: 'text', attempt: 'bigint' },
    keys.map(({ jobId, attempt }) => ({ job_id: jobId, attempt })),
  )

const named = sql`jobs_stream.job_id = given.job_id and jobs_stream.attempt = given.attempt`

export const rowStore = (db: Database): ByteStore => {
  const sizes = sizesBy((keys) =>
    db.rows(sql`select jobs_stream.job_id, jobs_stream.attempt, stream, size
      from ${given(db, keys)} join jobs_stream on ${named}`),
  )
  const sealed = sizesBy((keys) =>
    db.rows(sql`update jobs_stream set sealed = true from ${given(db, keys)} where ${named}
      returning jobs_stream.job_id, jobs_stream.attempt, stream, size`),
  )
  return {
    sizes: (jobId, attempt) => sizes({ jobId, attempt }),
    size: async (key) => (await headOf(db, key))?.size ?? 0,
    write: (key, offset, piece) =>
      db.transaction(async (tx) => {
        const head = await lockedHead(tx, key)
        if (offset > head.size) throw new StreamOffsetError(head.size)
        const fresh = piece.subarray(head.size - offset)
        if (fresh.length === 0) return head.size
        if (head.sealed) throw new StreamOffsetError(head.size)
        return addRow(tx, key, head, fresh)
      }),
    async *read(key, start, end) {
      const size = Math.min(end, (await headOf(db, key))?.size ?? 0)
      for (let at = start; at < size;) {
        const rows = await db.rows<{ start: number; bytes: Uint8Array }>(sql`
        select start, bytes from jobs_chunk where ${keyIs(key)} and start < ${size} and start >= (
          select max(start) from jobs_chunk where ${keyIs(key)} and start <= ${at})
        order by start limit ${readRows}`)
        if (rows.length === 0) return
        for (const row of rows) {
          const bytes = row.bytes.subarray(at - row.start, size - row.start)
          if (bytes.length > 0) yield bytes
          at += bytes.length
        }
      }
    },
    digest: async () => null,
    // A row is on disk once its transaction is.
    sync: async () => undefined,
    seal: (jobId, attempt) => sealed({ jobId, attempt }),
    reset: (key) =>
      db.transaction(async (tx) => {
        await lockedHead(tx, key)
        await tx.run(sql`delete from jobs_chunk where ${keyIs(key)}`)
        await tx.run(sql`update jobs_stream set size = 0, last_start = 0 where ${keyIs(key)}`)
      }),
    remove: (jobId) =>
      db.transaction(async (tx) => {
        await tx.run(sql`delete from jobs_chunk where job_id = ${jobId}`)
        await tx.run(sql`delete from jobs_stream where job_id = ${jobId}`)
      }),
    close: async () => undefined,
  }
}
