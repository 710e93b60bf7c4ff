/** Keeps the keys of providers out of everything that is stored, logged, answered or sent. */

const shortestKey = 8

/** For any text: only the keys themselves are taken out, so that programs stay what they are. */
export type Redact = (text: string) => string

export const redactor = (keys: readonly string[]): Redact => {
  const secrets = keys.filter((key) => key.length >= shortestKey)
  return (text) => secrets.reduce((left, key) => left.replaceAll(key, '…'), text)
}

/** Providers repeat keys, or parts of them, in what they say about an error. */
export const withoutKeyParts = (message: string): string =>
  message
    .replace(/\b(sk|pk|key|gsk|xai)-[\w*.-]{4,}/gi, '…')
    .replace(/\bAIza[\w*-]{4,}/g, '…')
    .replace(/(:\/\/)[^/\s@]+@/g, '$1…@')
    .slice(0, 500)
