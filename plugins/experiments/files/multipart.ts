/** Reads the files of a multipart body as they arrive, in constant memory (RFC 7578). */
import { Readable } from 'node:stream'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import busboy from 'busboy'
import { HearthError } from '../../../src/sdk.ts'
import { badRequest, fileTooLarge } from '../errors.ts'

export interface MultipartOptions {
  readonly maxFileBytes: number
  readonly maxFiles: number
}

/** Takes the bytes of one file; the next one is read when it is done. */
export type TakeFile = (name: string, bytes: ReadableStream<Uint8Array>) => Promise<void>

const maxFields = 100

/**
 * Nothing is being taken any more when it answers, whatever the answer is.
 * @throws HearthError for a body that is none, and for files too many or too large
 */
export const readMultipart = async (
  request: Request,
  { maxFileBytes, maxFiles }: MultipartOptions,
  take: TakeFile,
): Promise<void> => {
  const type = request.headers.get('content-type') ?? ''
  if (!/^multipart\/form-data/i.test(type)) {
    throw badRequest('Send the files as multipart/form-data, in fields named files')
  }
  const parser = open(type, maxFileBytes, maxFiles)
  const body = request.body
  if (!body) throw badRequest('There is no body')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let taking = Promise.resolve()
  let isOver = false
  const refuse = (error: unknown) => {
    isOver = true
    reject(error)
  }
  parser.on('file', (_field, stream, { filename }) => {
    // A stream without a listener would bring down the process when the body ends too early.
    stream.on('error', () => refuse(cutOff()))
    const name = unescaped(filename ?? 'file')
    const bytes = bounded(stream, name, maxFileBytes)
    taking = taking.then(() => (isOver ? undefined : take(name, bytes)))
    taking.catch((error: unknown) => {
      stream.resume()
      refuse(error)
    })
  })
  parser.on('filesLimit', () => refuse(badRequest(`At most ${maxFiles} files at once`)))
  parser.on('fieldsLimit', () => refuse(badRequest(`At most ${maxFields} other fields`)))
  parser.on('partsLimit', () => refuse(badRequest('The multipart body has too many parts')))
  parser.on('error', () => refuse(badRequest('The multipart body is broken')))
  parser.on('close', () => taking.then(resolve, reject))
  const source = Readable.fromWeb(body as unknown as NodeStream)
  source.on('error', (error) => refuse(error instanceof HearthError ? error : cutOff()))
  source.pipe(parser)
  try {
    await promise
  } finally {
    isOver = true
    source.unpipe(parser)
    source.destroy()
    // Ends the stream of the file that is being taken, so that whoever takes it gives up.
    parser.destroy()
    await taking.catch(() => undefined)
  }
}

/** What browsers write for the three characters that the header cannot hold. */
const unescaped = (name: string): string => name.replace(/%(22|0D|0A)/g, decodeURIComponent)

const cutOff = () => badRequest('The body ended in the middle')

const open = (type: string, fileSize: number, files: number): busboy.Busboy => {
  try {
    return busboy({
      headers: { 'content-type': type },
      defParamCharset: 'utf8',
      // One byte more than allowed tells a file that is too large from one that just fits.
      limits: {
        fileSize: fileSize + 1,
        files,
        fields: maxFields,
        fieldSize: 65_536,
        parts: files + maxFields,
      },
    })
  } catch {
    throw badRequest('The Content-Type of a multipart body names its boundary')
  }
}

const bounded = (stream: Readable, name: string, maxBytes: number): ReadableStream<Uint8Array> => {
  let total = 0
  const chunks = stream[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await chunks.next().catch(() => null)
        if (!next) return controller.error(cutOff())
        if (next.done) return controller.close()
        const chunk = next.value as Uint8Array
        total += chunk.byteLength
        if (total > maxBytes) return controller.error(fileTooLarge(name, maxBytes))
        controller.enqueue(new Uint8Array(chunk))
      },
      cancel: () => {
        stream.resume()
      },
    },
    { highWaterMark: 0 },
  )
}
