/** Reads JSON bodies for tracking: inflated within bounds, bare NaN tokens allowed. */
import { HearthError } from '../../src/sdk.ts'
import { parseJson } from './numbers.ts'
import { invalid } from './parameters.ts'

/** Of a body as it is parsed, which is after inflation. */
export const maxBodyBytes = 16 * 1024 * 1024

/** @throws HearthError `malformed_json`, `too_large`, `unsupported_media_type` */
export const readJson = async (request: Request): Promise<unknown> => {
  const encoding = request.headers.get('content-encoding')
  const text = encoding === null ? await request.text() : await decoded(request, encoding)
  return parseJson(text)
}

/** A body that is an object, or `{}` when there is none. @throws HearthError */
export const readOptionalObject = async (request: Request): Promise<JsonObject> => {
  const text = await request.text()
  return text.trim() === '' ? {} : objectOf(parseJson(text), 'body')
}

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @throws HearthError `validation` */
export const objectOf = (value: unknown, path: string): JsonObject => {
  if (isObject(value)) return value
  throw invalid(path, 'must be an object')
}

const decoded = async (request: Request, encoding: string): Promise<string> => {
  switch (encoding.trim().toLowerCase()) {
    case 'identity':
      return request.text()
    case 'gzip':
    case 'x-gzip':
      return inflated(request.body, 'gzip')
    case 'deflate':
      return inflated(request.body, 'deflate')
    default:
      throw new HearthError('unsupported_media_type', 'Content-Encoding must be gzip or deflate')
  }
}

const inflated = async (
  body: ReadableStream<Uint8Array> | null,
  format: 'gzip' | 'deflate',
): Promise<string> => {
  const decoder = new TextDecoder()
  let text = ''
  let sizeBytes = 0
  try {
    const inflate: unknown = new DecompressionStream(format)
    const stream = body?.pipeThrough(inflate as TransformStream<Uint8Array, Uint8Array>)
    for await (const chunk of stream ?? []) {
      sizeBytes += chunk.byteLength
      if (sizeBytes > maxBodyBytes) break
      text += decoder.decode(chunk, { stream: true })
    }
  } catch (cause) {
    if (cause instanceof HearthError) throw cause
    throw new HearthError('bad_request', `The body is not valid ${format}`, { cause })
  }
  if (sizeBytes <= maxBodyBytes) return text + decoder.decode()
  throw new HearthError('too_large', `The body inflates to more than ${maxBodyBytes} bytes`)
}
