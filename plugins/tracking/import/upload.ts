/** The bytes of an uploaded file as they arrive, inflated if compressed, within a bound. */
import { HearthError } from '../../../src/sdk.ts'

/** @throws HearthError `unsupported_media_type`, `too_large`, `bad_request` for damaged gzip */
export async function* uploadedChunks(
  request: Request,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  if (!request.body) return
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (!['identity', 'gzip', 'x-gzip'].includes(encoding)) {
    throw new HearthError('unsupported_media_type', 'Content-Encoding must be gzip')
  }
  let sizeBytes = 0
  for await (const chunk of encoding === 'identity' ? request.body : inflated(request.body)) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > maxBytes) {
      throw new HearthError('too_large', `The file is larger than ${maxBytes} bytes`)
    }
    yield chunk
  }
}

async function* inflated(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  // The library's types know no stream that takes any kind of buffer; this one does.
  const inflate = new DecompressionStream('gzip') as unknown as TransformStream<
    Uint8Array,
    Uint8Array
  >
  try {
    yield* body.pipeThrough(inflate)
  } catch (cause) {
    if (cause instanceof HearthError) throw cause
    throw new HearthError('bad_request', 'The gzip data is damaged', { cause })
  }
}
