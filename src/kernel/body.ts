/** Keeps request bodies within bounds, with or without a declared length. */
import { HearthError } from './errors.ts'

/**
 * The request itself when its declared length fits, or one whose stream fails past `maxBytes`.
 * @throws HearthError `too_large` when the declared length does not fit
 */
export const limitBody = (request: Request, maxBytes: number): Request => {
  if (request.method === 'GET' || request.method === 'HEAD') return request
  const declared = request.headers.get('content-length')
  if (declared !== null) {
    if (Number(declared) > maxBytes) throw tooLarge(maxBytes)
    return request
  }
  if (request.body === null) return request
  let bytes = 0
  const counted = request.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength
        if (bytes > maxBytes) controller.error(tooLarge(maxBytes))
        else controller.enqueue(chunk)
      },
    }),
  )
  return new Request(request.url, {
    method: request.method,
    headers: request.headers,
    body: counted,
    signal: request.signal,
  })
}

const tooLarge = (maxBytes: number): HearthError =>
  new HearthError('too_large', `The body is larger than ${maxBytes} bytes`)
