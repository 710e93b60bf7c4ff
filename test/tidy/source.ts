/** Reads the project's own source files, and splits code from comments and strings. */
import { Glob } from 'bun'
import { join } from 'node:path'

export const root = join(import.meta.dir, '../..')

/** Folders whose code is ours and shipped or run; `docs` holds worked examples. */
const folders = ['src', 'plugins', 'runners', 'scripts', 'bench', 'test', 'docs']

export interface Source {
  /** From the root, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  /** The lines with comments and the insides of strings blanked out. */
  readonly code: readonly string[]
}

export const readSources = async (): Promise<Source[]> => {
  const paths = [...new Glob(`{${folders.join(',')}}/**/*.{ts,tsx,py}`).scanSync(root)]
    .concat([...new Glob('sdk/**/*.py').scanSync(root)])
    .filter((path) => !/(^|\/)(node_modules|\.venv|vendor|build)\//.test(path))
    .sort()
  return Promise.all(
    paths.map(async (path) => source(path, await Bun.file(join(root, path)).text())),
  )
}

export const source = (path: string, text: string): Source => ({
  path,
  text,
  lines: text.split('\n'),
  code: (path.endsWith('.py') ? text : blank(text)).split('\n'),
})

/** What is not code: a template loses its text together with what it interpolates. */
const notCode = new RegExp(
  [
    /\/\*[\s\S]*?\*\//, // block comments
    /\/\/[^\n]*/, // line comments
    /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/, // strings
    /(?<=[=(,:[!&|?{};\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//, // patterns
  ]
    .map((pattern) => pattern.source)
    .join('|'),
  'g',
)

const blank = (text: string): string =>
  text.replace(notCode, (found) => found.replace(/[^\n]/g, ' '))
