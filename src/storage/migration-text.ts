/** Reads the text of a migration closely enough to split it and to see which tables it names. */

/** One word, name, literal or sign of a statement; a quoted name loses its quotes. */
interface Token {
  readonly kind: 'name' | 'quoted' | 'literal' | 'sign'
  readonly text: string
  readonly start: number
}

const pattern =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"((?:[^"]|"")*)"|([a-z_][\w$]*)|\d[\w.]*|\s+|[\s\S]/giu

const tokenize = (text: string): Token[] => {
  const tokens: Token[] = []
  for (const match of text.matchAll(pattern)) {
    const [found, quoted, name] = match
    const start = match.index
    if (quoted !== undefined) tokens.push({ kind: 'quoted', text: quoted, start })
    else if (name !== undefined) tokens.push({ kind: 'name', text: name.toLowerCase(), start })
    else if (found.startsWith("'")) tokens.push({ kind: 'literal', text: found, start })
    else if (!/^(?:\s|--|\/\*)/.test(found)) tokens.push({ kind: 'sign', text: found, start })
  }
  return tokens
}

/** The statements of a text, without their semicolons; comments and literals may hold some. */
export const splitStatements = (text: string): string[] => {
  const ends = tokenize(text).filter(({ kind, text: sign }) => kind === 'sign' && sign === ';')
  const starts = [0, ...ends.map(({ start }) => start + 1)]
  return starts
    .map((start, at) => text.slice(start, ends[at]?.start ?? text.length).trim())
    .filter((statement) => tokenize(statement).length > 0)
}

const allowed = new Set(['create', 'alter', 'drop', 'insert', 'update', 'delete', 'with'])

/** What a migration may create, alter or drop: both dialects know these, and we can check them. */
const objects = new Set(['table', 'index', 'view'])

/** Words between `create`, `table` and the like and the name. */
const noise = new Set([
  'if',
  'not',
  'exists',
  'only',
  'unique',
  'temp',
  'temporary',
  'or',
  'replace',
])

/** Words after which `update` and `delete` are part of a clause and name no table. */
const clauseBefore = new Set(['on', 'do', 'for'])

/** Whether a table's name follows this word, given the word before it. */
const announcesTable = (word: string, before: string | undefined): boolean => {
  if (word === 'update') return !before || !clauseBefore.has(before)
  return ['from', 'join', 'into', 'references', 'table', 'index', 'view'].includes(word)
}

/** Every name of a statement that stands where a table, index or view is named. */
const namedObjects = (tokens: readonly Token[]): string[] => {
  const own = new Set(commonTables(tokens))
  const names: string[] = []
  const isCreateIndex = tokens.slice(0, 3).some(({ text }) => text === 'index')
  tokens.forEach((token, at) => {
    const isOn = isCreateIndex && token.text === 'on' && tokens[0]?.text === 'create'
    const isRename = token.text === 'to' && tokens[at - 1]?.text === 'rename'
    if (token.kind !== 'name') return
    if (!isOn && !isRename && !announcesTable(token.text, tokens[at - 1]?.text)) return
    let next = at + 1
    while (tokens[next]?.kind === 'name' && noise.has(tokens[next]?.text ?? '')) next++
    const named = tokens[next]
    // A function or a subquery in `from` names no table of its own.
    if (!named || (named.kind !== 'name' && named.kind !== 'quoted')) return
    if (token.text === 'from' && tokens[next + 1]?.text === '(') return
    const qualified = tokens[next + 1]?.text === '.' ? `${named.text}.` : ''
    if (!own.has(named.text)) names.push(qualified || named.text)
  })
  return names
}

/** Names that the statement itself defines: `with NAME as (`. */
const commonTables = (tokens: readonly Token[]): string[] =>
  tokens
    .filter((_, at) => tokens[at + 1]?.text === 'as' && tokens[at + 2]?.text === '(')
    .map(({ text }) => text)

/** What is wrong with a statement, as the end of a sentence; null when it may run. */
export const checkStatement = (statement: string, prefix: string): string | null => {
  const tokens = tokenize(statement)
  const first = tokens[0]?.text ?? ''
  if (!allowed.has(first)) return `may not use "${first}"`
  if (['create', 'alter', 'drop'].includes(first)) {
    const object = tokens.slice(1).find(({ text }) => !noise.has(text))?.text ?? ''
    if (!objects.has(object)) return `may not ${first} a ${object}`
  }
  const foreign = namedObjects(tokens).find((name) => !name.startsWith(prefix))
  return foreign === undefined ? null : `names "${foreign}", which does not begin with "${prefix}"`
}
