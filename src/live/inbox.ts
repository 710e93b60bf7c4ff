/** What clients send: handled one message after another, so that they cannot overtake. */
import type { Logger } from '../kernel/log.ts'
import { textOf } from './frames.ts'
import { closeCode, type Reader } from './reader.ts'

/** Messages of one client that may wait; beyond, its socket is not read from. */
const maxWaiting = 16

export const receive = (reader: Reader, data: string | Buffer, log: Logger): void => {
  reader.silentPings = 0
  const { subscription } = reader
  if (typeof data !== 'string' || !subscription.message) return
  reader.inboxSize++
  if (reader.inboxSize >= maxWaiting) reader.socket?.pause()
  reader.inbox = reader.inbox.then(async () => {
    try {
      if (reader.open) await subscription.message?.(data, (answer) => reader.reply(textOf(answer)))
    } catch (error) {
      log.error('Handling a live message failed', { topic: reader.topic, error })
      reader.close(closeCode.internalError, 'the message could not be handled')
    }
    reader.inboxSize--
    if (reader.inboxSize < maxWaiting && reader.socket?.isPaused) reader.socket.resume()
  })
}
