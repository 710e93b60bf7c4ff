/** Turns messages into WebSocket frames, once for all readers of one format. */
import type { LiveMessage } from './live.ts'

/** The text of one WebSocket frame, and how far whoever has read it has come. */
export interface Frame {
  readonly cursor: number
  readonly text: string
  /** Whoever has it is closed. */
  readonly isLast?: true
}

/** How a reader wants messages framed. Pure: its result is shared by all readers of the format. */
export type Encoder = (messages: readonly Frame[]) => readonly Frame[]

/** Well under what clients accept by default: 1 MiB in the common Python libraries. */
const maxBatchChars = 256 * 1024

/** One frame a message. */
const each: Encoder = (messages) => messages

/** JSON arrays of messages: for readers to whom a frame costs more than a message. */
const batch: Encoder = (messages) => {
  const frames: Frame[] = []
  let texts: string[] = []
  let chars = 0
  for (const [index, { cursor, text, isLast }] of messages.entries()) {
    texts.push(text)
    chars += text.length + 1
    if (chars < maxBatchChars && index < messages.length - 1) continue
    frames.push({ cursor, text: `[${texts.join(',')}]`, ...(isLast && { isLast }) })
    texts = []
    chars = 0
  }
  return frames
}

/** The formats a client may ask for by `?format=`. */
export const encoders: ReadonlyMap<string, Encoder> = new Map([
  ['message', each],
  ['batch', batch],
])

export const defaultFormat = 'message'

export const textOf = (data: string | object): string =>
  typeof data === 'string' ? data : JSON.stringify(data)

export const toFrames = (messages: readonly LiveMessage[]): Frame[] =>
  messages.map(({ cursor, data, isLast }) => ({
    cursor,
    text: textOf(data),
    ...(isLast && { isLast }),
  }))

/** The part of `frames` (ordered by cursor) that lies beyond `cursor`. */
export const framesAfter = (frames: readonly Frame[], cursor: number): readonly Frame[] => {
  let low = 0
  let high = frames.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((frames[middle] as Frame).cursor > cursor) high = middle
    else low = middle + 1
  }
  return low === 0 ? frames : frames.slice(low)
}
