/** Brings what an attempt wrote to the server, while it runs and after it ended. */
import { realpath } from 'node:fs/promises'
import { attemptFiles } from '../attempt-files.ts'
import { openOutput } from '../workspace/output-file.ts'
import { linkCounter } from '../workspace/walk.ts'
import type { Ended, StoredAttempt } from './attempt-store.ts'
import { uploadBlob } from './blob-upload.ts'
import { createMask } from './mask.ts'
import { MaskedFile } from './masked-file.ts'
import type { NodeContext } from './node-context.ts'
import { StreamUpload } from './stream-upload.ts'
import type { StreamName } from './wire.ts'

export interface Delivery {
  /** Sends log and events as they grow, until `signal` aborts. Rejects only when gone. */
  follow(signal: AbortSignal): Promise<void>
  /** One pass at sending the rest and finishing; `false` when the server wants another. */
  finish(ended: Ended, signal: AbortSignal): Promise<boolean>
  close(): Promise<void>
}

export const createDelivery = (
  node: NodeContext,
  stored: StoredAttempt,
  secrets: Readonly<Record<string, string>>,
): Delivery => {
  const { wire, clock, random } = node
  const paths = attemptFiles(stored.path)
  const mask = createMask(Object.values(secrets))
  const files = { log: new MaskedFile(paths.log, mask), events: new MaskedFile(paths.events, mask) }
  const upload = (stream: StreamName) =>
    new StreamUpload({
      file: files[stream],
      append: (offset, bytes, signal) => wire.append(stored, stream, offset, bytes, signal),
      clock,
      random,
    })
  const log = upload('log')
  const events = upload('events')
  const streams = { log, events }

  const sendArtifacts = async (artifacts: Ended['artifacts'], signal: AbortSignal) => {
    if (artifacts.length === 0) return
    const work = await realpath(paths.work)
    const links = linkCounter(work)
    for (const artifact of artifacts) {
      await uploadBlob(wire, () => openOutput(work, artifact.path, links), artifact, signal)
    }
  }

  return {
    follow: async (signal) => {
      await Promise.all([log.follow(signal), events.follow(signal)])
    },
    async finish({ outcome, artifacts }, signal) {
      await Promise.all([log.drain(signal), events.drain(signal)])
      await sendArtifacts(artifacts, signal)
      const answer = await wire.finish(
        stored,
        {
          outcome: masked(outcome, mask.text),
          log: await log.summary(),
          events: await events.summary(),
          artifacts,
        },
        signal,
      )
      if (answer.status === 'behind') {
        log.rewind(answer.log)
        events.rewind(answer.events)
      }
      if (answer.status === 'differs') {
        for (const stream of answer.differs) streams[stream as StreamName]?.rewind(0)
      }
      return answer.status === 'done'
    },
    async close() {
      await Promise.all([files.log.close(), files.events.close()])
    },
  }
}

const masked = (outcome: Ended['outcome'], text: (text: string) => string): Ended['outcome'] =>
  outcome.message === undefined ? outcome : { ...outcome, message: text(outcome.message) }
