/**
 * Hides secrets in bytes without moving any byte: each byte of an occurrence becomes `*`.
 *
 * Which bytes those are depends on the whole stream alone, never on where it was cut: a byte is
 * hidden when some occurrence covers it. So an upload may go on at any offset after any crash.
 */
export interface Mask {
  /** A secret may begin up to this many bytes before the place where reading goes on. */
  readonly reachBytes: number
  /** A copy of `bytes` with every occurrence hidden; the bytes themselves when there is none. */
  apply(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>
  /** How many bytes from the start can no longer become part of an occurrence. */
  certain(bytes: Uint8Array): number
  text(text: string): string
}

/** Shorter ones would hide half of every log, and are no secrets. */
const minSecretBytes = 4
const minFormBytes = 6
const minLineBytes = 8
const star = 42

export const createMask = (secrets: Iterable<string>): Mask => {
  const patterns = patternsOf(secrets)
  const reachBytes = Math.max(0, ...patterns.map(({ length }) => length - 1))
  const apply = (bytes: Uint8Array<ArrayBuffer>) => hide(bytes, patterns)
  return {
    reachBytes,
    apply,
    certain: (bytes) => certainBytes(bytes, patterns, reachBytes),
    text: (text) => Buffer.from(apply(new TextEncoder().encode(text))).toString(),
  }
}

const hide = (
  bytes: Uint8Array<ArrayBuffer>,
  patterns: readonly Buffer[],
): Uint8Array<ArrayBuffer> => {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let hidden: Uint8Array<ArrayBuffer> | undefined
  for (const pattern of patterns) {
    let filledTo = 0
    let at = source.indexOf(pattern)
    while (at >= 0) {
      hidden ??= bytes.slice()
      hidden.fill(star, Math.max(at, filledTo), at + pattern.length)
      filledTo = at + pattern.length
      // By one: an occurrence may overlap the one before.
      at = source.indexOf(pattern, at + 1)
    }
  }
  return hidden ?? bytes
}

const certainBytes = (
  bytes: Uint8Array,
  patterns: readonly Buffer[],
  reachBytes: number,
): number => {
  const end = bytes.length
  for (let at = Math.max(0, end - reachBytes); at < end; at++) {
    const begins = patterns.some(
      (pattern) =>
        pattern[0] === bytes[at] &&
        pattern.length > end - at &&
        pattern.subarray(0, end - at).equals(bytes.subarray(at)),
    )
    if (begins) return at
  }
  return end
}

/** The forms in which programs print a secret, each once. */
const patternsOf = (secrets: Iterable<string>): Buffer[] => {
  const forms = new Map<string, Buffer>()
  const add = (form: Buffer, minBytes: number) => {
    if (form.length >= minBytes) forms.set(form.toString('latin1'), form)
  }
  for (const secret of secrets) {
    const raw = Buffer.from(secret)
    add(raw, minSecretBytes)
    const trimmed = Buffer.from(secret.trim())
    add(trimmed, minSecretBytes)
    for (const line of secret.split('\n')) add(Buffer.from(line.trim()), minLineBytes)
    for (const form of writtenForms(secret)) add(Buffer.from(form), minFormBytes)
    for (const form of [...base64Forms(raw), ...base64Forms(trimmed)]) {
      add(Buffer.from(form), minFormBytes)
    }
  }
  return [...forms.values()]
}

/** As JSON, URLs, form fields and hexadecimal dumps have it. */
const writtenForms = (secret: string): string[] => {
  const json = JSON.stringify(secret).slice(1, -1)
  const ascii = json.replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const uri = encodeUri(secret)
  const hex = Buffer.from(secret).toString('hex')
  return [json, ascii, json.replaceAll('/', '\\/'), uri, uri.replaceAll('%20', '+')].concat(
    hex,
    hex.toUpperCase(),
  )
}

/** A lone surrogate has no place in a URL, and so no form there. */
const encodeUri = (secret: string): string =>
  secret.isWellFormed() ? encodeURIComponent(secret) : secret

/**
 * The characters of a Base64 text that depend on the secret alone, wherever in the encoded bytes
 * the secret stands: at three shifts, in both alphabets.
 */
const base64Forms = (secret: Buffer): string[] =>
  [0, 1, 2].flatMap((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), secret]).toString('base64')
    const from = Math.ceil((shift * 8) / 6)
    const to = Math.floor(((shift + secret.length) * 8) / 6)
    const form = encoded.slice(from, to)
    return [form, form.replaceAll('+', '-').replaceAll('/', '_')]
  })
