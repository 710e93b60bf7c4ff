/** Brings a reader from its cursor to the live messages: no gap, no repeat, at its own pace. */
import type { Clock } from '../kernel/clock.ts'
import { type Frame, framesAfter, toFrames } from './frames.ts'
import type { Gate } from '../kernel/gate.ts'
import type { LiveMessage } from './live.ts'
import type { Reader } from './reader.ts'
import type { Topic } from './topic.ts'

export interface CatchUpOptions {
  readonly clock: Clock
  readonly stallMs: number
  /** Unsent bytes that the reader may have at the moment. */
  readonly maxBytes: () => number
  /** Lets only so many reads from storage run at once. */
  readonly gate: Gate
}

/**
 * Live messages meanwhile go to the topic's memory only. The reader joins once memory holds all
 * that it lacks: after a replay everything that was stored before the replay was sent, and
 * everything stored later passes through the topic, which was there before the replay began.
 *
 * @returns why it ended: the reader is live, its socket is gone, or it takes nothing more
 */
export const catchUp = async (
  reader: Reader,
  topic: Topic,
  options: CatchUpOptions,
): Promise<'live' | 'gone' | 'stalled'> => {
  const { subscription } = reader
  for (;;) {
    if (!(await hasRoom(reader, options))) return reader.open ? 'stalled' : 'gone'
    const missed = topic.missedBy(reader)
    if (missed) {
      if (!reader.send(reader.encode(missed), options.maxBytes())) continue
      reader.state = 'live'
      return 'live'
    }
    const passedBefore = topic.last ?? Number.NEGATIVE_INFINITY
    for await (const page of pagesOf(subscription.replay?.(reader.cursor), options.gate)) {
      if (!(await sendPage(reader, page, options))) return reader.open ? 'stalled' : 'gone'
    }
    reader.cursor = Math.max(reader.cursor, passedBefore)
    reader.joined = true
  }
}

const hasRoom = (reader: Reader, { maxBytes, clock, stallMs }: CatchUpOptions): Promise<boolean> =>
  reader.hasRoom(maxBytes() / 2, clock, stallMs)

const sendPage = async (
  reader: Reader,
  page: readonly LiveMessage[],
  options: CatchUpOptions,
): Promise<boolean> => {
  let frames: readonly Frame[] = reader.encode(framesAfter(toFrames(page), reader.cursor))
  while (frames.length > 0) {
    if (!(await hasRoom(reader, options))) return false
    if (reader.send(frames, options.maxBytes())) return reader.open
    frames = framesAfter(frames, reader.cursor)
  }
  return reader.open
}

/** The pages of a replay, each read only when asked for and when it is this one's turn. */
export async function* pagesOf(
  replay: AsyncIterable<readonly LiveMessage[]> | undefined,
  gate: Gate,
): AsyncGenerator<readonly LiveMessage[]> {
  const pages = replay?.[Symbol.asyncIterator]()
  if (!pages) return
  let finished = false
  try {
    for (;;) {
      const next = await gate(() => pages.next())
      finished = next.done === true
      if (finished) return
      yield next.value
    }
  } catch (error) {
    finished = true
    throw error
  } finally {
    if (!finished) await pages.return?.()
  }
}
