/** Reads what an upload says of itself in its headers. */
import { invalid } from '../parameters.ts'

const anyType = 'application/octet-stream'

/** Kept as it was sent when it can be sent back: a media type in visible ASCII. */
export const contentTypeOf = (request: Request): string => {
  const type = request.headers.get('content-type')?.trim() ?? ''
  return type.length <= 255 && /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(;[\x20-\x7e]*)?$/.test(type)
    ? type
    : anyType
}

const sha256Digest = /(?:^|,)\s*sha-256=:?([A-Za-z0-9+/]{43}=):?\s*(?:,|$)/i

/**
 * The hash announced by `Digest: sha-256=<base64>`, or by `Content-Digest` (RFC 9530), as hex.
 * @throws HearthError `validation` when there is such a header, but no hash to be read in it
 */
export const digestOf = (request: Request): string | undefined => {
  for (const name of ['digest', 'content-digest']) {
    const header = request.headers.get(name)
    if (header === null) continue
    const hash = sha256Digest.exec(header)?.[1]
    if (hash === undefined) {
      throw invalid(`header.${name}`, 'must hold sha-256=<base64 of the hash>')
    }
    return Buffer.from(hash, 'base64').toString('hex')
  }
  return undefined
}
