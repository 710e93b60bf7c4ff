/**
 * Copies the engine's own log of a container to the attempt's `log`, for images without a shell.
 * The engine keeps all of it, so that a copy goes on at the size of what is there already.
 */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'

const headerBytes = 8
const nothing = Buffer.alloc(0)

/** Takes the frames of both streams apart: a header of the stream and the size, then the bytes. */
export const frameReader = () => {
  let header: Buffer = nothing
  let leftBytes = 0
  return function* read(chunk: Uint8Array): Generator<Uint8Array> {
    let rest = chunk
    while (rest.length > 0) {
      if (leftBytes === 0) {
        const missing = headerBytes - header.length
        header = Buffer.concat([header, rest.subarray(0, missing)])
        rest = rest.subarray(missing)
        if (header.length < headerBytes) return
        leftBytes = header.readUInt32BE(4)
        header = nothing
        continue
      }
      const part = rest.subarray(0, leftBytes)
      leftBytes -= part.length
      rest = rest.subarray(part.length)
      yield part
    }
  }
}

/** Appends what of `frames` is not in the file yet. There must be no other writer. */
export const copyLog = async (frames: AsyncIterable<Uint8Array>, path: string): Promise<void> => {
  const log = openSync(path, 'a', 0o600)
  try {
    let skip = fstatSync(log).size
    const read = frameReader()
    for await (const chunk of frames) {
      const bytes = Buffer.concat([...read(chunk)])
      const fresh = bytes.subarray(Math.min(skip, bytes.length))
      skip -= bytes.length - fresh.length
      writeAll(log, fresh)
    }
  } finally {
    closeSync(log)
  }
}

const writeAll = (file: number, bytes: Uint8Array): void => {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
}

/** A log that is known to be short. */
export const engineText = async (response: Response): Promise<string> => {
  const parts = [...frameReader()(new Uint8Array(await response.arrayBuffer()))]
  return Buffer.concat(parts).toString('utf8')
}
