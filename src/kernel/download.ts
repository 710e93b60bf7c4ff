/** Answers a file over HTTP: ranges, conditions, and headers that keep browsers from running it. */
import { HearthError } from './errors.ts'

/** Bytes of a known digest under a name. */
export interface Download {
  readonly path: string
  /** Lowercase hex. */
  readonly sha256: string
  readonly sizeBytes: number
  readonly contentType: string
}

type Open = (range?: { start: number; end: number }) => Promise<ReadableStream<Uint8Array>>

/** RFC 9110: 200, 206 for one range, 304 when the caller has it. @throws HearthError 416 */
export const download = async (request: Request, file: Download, open: Open): Promise<Response> => {
  const etag = `"${file.sha256}"`
  const headers = {
    etag,
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-type': file.contentType,
    'content-disposition': disposition(file.path),
    // Files of runs and jobs are others' data: never shown as a page of this server.
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
  }
  if (matches(request.headers.get('if-none-match'), etag)) {
    return new Response(null, { status: 304, headers })
  }
  const range = requestedRange(request, etag, file.sizeBytes)
  if (!range) {
    const length = String(file.sizeBytes)
    return new Response(await open(), { headers: { ...headers, 'content-length': length } })
  }
  const { start, end } = range
  return new Response(await open(range), {
    status: 206,
    headers: {
      ...headers,
      'content-length': String(end - start),
      'content-range': `bytes ${start}-${end - 1}/${file.sizeBytes}`,
    },
  })
}

const matches = (header: string | null, etag: string): boolean =>
  header !== null &&
  header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)

/** Half-open; null when the whole file is wanted: also for several ranges, as the RFC allows. */
const requestedRange = (
  request: Request,
  etag: string,
  sizeBytes: number,
): { start: number; end: number } | null => {
  const condition = request.headers.get('if-range')
  if (condition !== null && condition !== etag) return null
  const match = /^bytes=(\d*)-(\d*)$/i.exec(request.headers.get('range')?.trim() ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return null
  const [, first, last] = match as unknown as [string, string, string]
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1)
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null
  if (start < end) return { start, end }
  throw new HearthError('range_not_satisfiable', undefined, {
    headers: { 'content-range': `bytes */${sizeBytes}` },
  })
}

/** Always an attachment; the plain name for old clients, the exact one beside it (RFC 6266). */
const disposition = (path: string): string => {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const plain = name.replace(/[^\x20-\x7e]|["%]/g, '_')
  const exact = encodeURIComponent(name).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`
}
