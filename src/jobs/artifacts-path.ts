/** Which names an artifact may have: ones that are safe to write below a folder on any system. */

const maxPathBytes = 1024

/** What no file system or terminal takes well; the backslash separates folders on Windows. */
const forbidden = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\\]/

/** The name as it is kept, Unicode in normal form C; null when it may not be one. */
export const artifactPath = (text: string): string | null => {
  const path = text.normalize('NFC')
  if (path === '' || !path.isWellFormed() || Buffer.byteLength(path) > maxPathBytes) return null
  if (forbidden.test(path)) return null
  const segments = path.split('/')
  const isStep = (segment: string) => segment === '' || segment === '.' || segment === '..'
  return segments.some(isStep) ? null : path
}
