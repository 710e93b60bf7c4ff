/** Names of files as they come from strangers, made safe to be names in a folder. */

/** What may be uploaded, by the end of its name; the first four are the document's. */
export const allowedTypes = ['csv', 'json', 'txt', 'zip', 'md', 'tsv', 'xlsx', 'parquet'] as const

/** Tells the document's own list: the others are taken as well. */
export const documentedTypes = allowedTypes.slice(0, 4)

/** What file systems take is 255 bytes; room is left for ` (2)` and what programs add. */
const maxBytes = 200

/** Control characters, and those by which a name is shown as another one than it is. */
const unseemly = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** The last part of a path, without anything that a file system or a terminal would mind. */
export const safeName = (given: string): string => {
  const last = given.replaceAll('\\', '/').split('/').at(-1) ?? ''
  const clean = last.replace(unseemly, '').trim()
  return clean === '' || clean === '.' || clean === '..' ? 'file' : shortened(clean)
}

/** The end of a name says what is in it, so the stem is what is cut: at a whole character. */
const shortened = (name: string): string => {
  if (Buffer.byteLength(name) <= maxBytes) return name
  const [stem, end] = split(name)
  const kept = Buffer.byteLength(end) <= maxBytes / 4 ? end : ''
  const whole = kept === end ? stem : name
  let cut = ''
  let room = maxBytes - Buffer.byteLength(kept)
  for (const character of whole) {
    room -= Buffer.byteLength(character)
    if (room < 0) break
    cut += character
  }
  return `${cut}${kept}`
}

/** `archive.tar` and `.gz`; a dot at the beginning begins a name, not an ending. */
const split = (path: string): readonly [string, string] => {
  const dot = path.lastIndexOf('.')
  return dot > path.lastIndexOf('/') + 1 ? [path.slice(0, dot), path.slice(dot)] : [path, '']
}

export const typeOf = (name: string): string => {
  const dot = name.lastIndexOf('.')
  return dot <= 0 ? '' : name.slice(dot + 1).toLowerCase()
}

export const isAllowed = (name: string): boolean =>
  (allowedTypes as readonly string[]).includes(typeOf(name))

/** `data.csv`, then `data (2).csv`. */
export const distinct = (name: string, taken: ReadonlySet<string>): string => {
  if (!taken.has(name)) return name
  const [stem, end] = split(name)
  for (let i = 2; ; i++) {
    const next = `${stem} (${i})${end}`
    if (!taken.has(next)) return next
  }
}

const mimeTypes: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  json: 'application/json',
  txt: 'text/plain',
  md: 'text/markdown',
  zip: 'application/zip',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  parquet: 'application/vnd.apache.parquet',
  py: 'text/x-python',
}

export const mimeTypeOf = (name: string): string =>
  mimeTypes[typeOf(name)] ?? 'application/octet-stream'
