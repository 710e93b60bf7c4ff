/** Which paths an artifact may have: ones that are safe to write below a folder on any system. */
import { invalid } from '../parameters.ts'

const maxPathBytes = 1024

/** What no file system or terminal takes well; the backslash separates folders on Windows. */
const forbidden = /[\u0000-\u001f\u007f-\u009f\\]/

/**
 * The path of an artifact as it is kept: `/` between segments, Unicode in normal form C.
 * @throws HearthError `validation`
 */
export const artifactPath = (text: string): string => {
  const path = text.normalize('NFC')
  const refuse = (problem: string): Error => invalid('path.path', problem)
  if (path === '') throw refuse('must not be empty')
  if (!path.isWellFormed()) throw refuse('must be well-formed Unicode')
  if (Buffer.byteLength(path) > maxPathBytes) throw refuse(`must fit into ${maxPathBytes} bytes`)
  if (forbidden.test(path)) throw refuse('must not hold control characters or backslashes')
  const segments = path.split('/')
  if (segments.includes('')) throw refuse('must not begin with a slash or hold two in a row')
  if (segments.includes('.') || segments.includes('..')) throw refuse('must not hold . or ..')
  return path
}

const wanted = /^\/runs\/[^/]+\/(?:artifacts|uploads)\/?(.*)$/

/**
 * The artifact path in the URL of a request; empty when it names the list. A slash may be written
 * as it is or encoded, and one at the end means nothing.
 * @throws HearthError `validation`
 */
export const requestedPath = (request: Request): string => {
  const encoded = wanted.exec(new URL(request.url).pathname)?.[1] ?? ''
  try {
    return decodeURIComponent(encoded.replace(/\/$/, ''))
  } catch {
    throw invalid('path.path', 'holds a broken percent encoding')
  }
}
