/** The log of a job as pieces for followers: all attempts in a row, from any position on. */
import type { ByteStore, StreamKey } from './attempt-log.ts'
import { cellBytes, cutsOf, wholeCharacters } from './follow-lines.ts'
import type { JobFacts } from './streams.ts'

/** `lines`: whole ones, the same for everybody. `bytes`: whatever is there, at once. */
export type FollowForm = 'lines' | 'bytes'

export interface LogPiece {
  readonly attempt: number
  /** Within the log of the attempt. */
  readonly offset: number
  readonly text: string
  /** Position where it ends: log bytes over all attempts. */
  readonly end: number
}

/** Whether the current attempt may still write. */
const isOpen = ({ state }: JobFacts): boolean => ['assigned', 'running', 'lost'].includes(state)

interface Part {
  readonly key: StreamKey
  /** Position of its first byte. */
  readonly base: number
  readonly size: number
  /** Nothing is added any more. */
  readonly final: boolean
}

const partsOf = async (store: ByteStore, job: JobFacts): Promise<Part[]> => {
  const parts: Part[] = []
  let base = 0
  for (let attempt = 1; attempt <= job.attempt; attempt++) {
    const key = { jobId: job.id, attempt, stream: 'log' } as const
    const size = await store.size(key)
    parts.push({ key, base, size, final: attempt < job.attempt || !isOpen(job) })
    base += size
  }
  return parts
}

/** The position of a place in the log of an attempt. */
export const positionIn = async (
  store: ByteStore,
  jobId: string,
  attempt: number,
  offset: number,
): Promise<number> => {
  let base = 0
  for (let earlier = 1; earlier < attempt; earlier++) {
    base += await store.size({ jobId, attempt: earlier, stream: 'log' })
  }
  return base + offset
}

/** Pages of pieces beyond `position`, up to what is stored now. */
export async function* readLog(
  store: ByteStore,
  job: JobFacts,
  position: number,
  form: FollowForm,
): AsyncGenerator<readonly LogPiece[]> {
  for (const part of await partsOf(store, job)) {
    const from = Math.max(0, position - part.base)
    if (from < part.size) yield* piecesOf(store, part, from, form)
  }
}

/** Where the pieces that are there now end. */
export const logEnd = async (
  store: ByteStore,
  job: JobFacts,
  form: FollowForm,
): Promise<number> => {
  const last = (await partsOf(store, job)).at(-1)
  if (!last) return 0
  if (last.final || last.size === 0) return last.base + last.size
  // Of two cells the first is whole, so there is an end in it at least.
  const lastCell = last.size - 1 - ((last.size - 1) % cellBytes)
  let end = last.base
  for await (const pieces of piecesOf(store, last, Math.max(0, lastCell - cellBytes), form)) {
    end = pieces.at(-1)?.end ?? end
  }
  return end
}

async function* piecesOf(
  store: ByteStore,
  { key, base, size, final }: Part,
  from: number,
  form: FollowForm,
): AsyncGenerator<readonly LogPiece[]> {
  let start = from
  for (let cell = from - (from % cellBytes); cell < size; cell += cellBytes) {
    const origin = Math.min(cell, start)
    const bytes = await readAll(store, key, origin, Math.min(cell + cellBytes + 1, size))
    const own = bytes.subarray(cell - origin, cell - origin + cellBytes)
    const isFinal = final && cell + cellBytes >= size
    const next = bytes[cell - origin + cellBytes]
    const ends =
      form === 'lines' ? cutsOf(own, next, isFinal) : [isFinal ? own.length : wholeCharacters(own)]
    const pieces: LogPiece[] = []
    for (const cut of ends) {
      const end = cell + cut
      if (end <= start) continue
      const text = decoder.decode(bytes.subarray(start - origin, end - origin))
      pieces.push({ attempt: key.attempt, offset: start, text, end: base + end })
      start = end
    }
    if (pieces.length > 0) yield pieces
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const readAll = async (
  store: ByteStore,
  key: StreamKey,
  start: number,
  end: number,
): Promise<Uint8Array> => {
  const pieces: Uint8Array[] = []
  for await (const piece of store.read(key, start, end)) pieces.push(piece)
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
}
