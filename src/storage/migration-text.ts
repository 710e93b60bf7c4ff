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
  return ['join', 'into', 'references', 'table', 'index', 'view'].includes(word)
}

/** What stands at `at`, when it is a name: as `schema.` when it is qualified by one. */
const nameAt = (tokens: readonly Token[], at: number): string | undefined => {
  const token = tokens[at]
  if (token?.kind !== 'name' && token?.kind !== 'quoted') return undefined
  return tokens[at + 1]?.text === '.' ? `${token.text}.` : token.text
}

/** The names of a list that begins at `start`: `a, b as c, d`. */
const namesFrom = (tokens: readonly Token[], start: number): string[] => {
  const names: string[] = []
  for (let at = start; ; at++) {
    const name = nameAt(tokens, at)
    // A function or a subquery names no table of its own.
    if (name !== undefined && tokens[at + 1]?.text !== '(') names.push(name)
    if (tokens[at + 1]?.text === 'as') at++
    if (tokens[at + 1]?.kind === 'name') at++
    if (tokens[++at]?.text !== ',') return names
  }
}

/** Every name of a statement that stands where a table, index or view is named. */
const namedObjects = (tokens: readonly Token[]): string[] => {
  const isCreateIndex =
    tokens[0]?.text === 'create' && tokens.slice(1, 3).some(({ text }) => text === 'index')
  const names = tokens.flatMap((token, at) => {
    if (token.kind !== 'name') return []
    let next = at + 1
    while (tokens[next]?.kind === 'name' && noise.has(tokens[next]?.text ?? '')) next++
    if (token.text === 'from') return namesFrom(tokens, next)
    const isOn = isCreateIndex && token.text === 'on'
    const isRename = token.text === 'to' && tokens[at - 1]?.text === 'rename'
    const isNamed = isOn || isRename || announcesTable(token.text, tokens[at - 1]?.text)
    return isNamed ? (nameAt(tokens, next) ?? []) : []
  })
  const own = commonTables(tokens)
  return names.filter((name) => !own.includes(name))
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
