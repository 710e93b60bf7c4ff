/** The rules of style that a text alone can break. */
import { basename } from 'node:path'
import { inProduct, maySpawn } from './imports.ts'
import type { Source } from './source.ts'

export interface Breach {
  readonly path: string
  readonly line: number
  readonly rule: string
}

const maxLines = 300
const maxColumns = 100

interface LineRule {
  readonly rule: string
  readonly pattern: RegExp
  applies?(path: string): boolean
}

/** Matched against code, so that a comment or a string may still name what is forbidden. */
const codeRules: readonly LineRule[] = [
  { rule: 'no any', pattern: /(?:[:<,|&(=]|\bas|=>)\s*any\b(?!\s*[:(])/ },
  { rule: 'no console outside the logger', pattern: /\bconsole\./, applies: (p) => !isLogger(p) },
  {
    rule: 'processes are spawned in runners/ only',
    pattern: /\bBun\.(spawn|spawnSync|\$)/,
    applies: (path) => !maySpawn(path),
  },
  {
    rule: 'no default export except a plugin',
    pattern: /^export default (?!definePlugin\b|plugin\b)/,
    applies: inProduct,
  },
  {
    rule: 'no enum or namespace: types are erased',
    pattern: /^\s*(export )?(const )?(enum|namespace) \w/,
  },
]

const textRules: readonly LineRule[] = [
  { rule: 'no notes to do it later', pattern: /\b(TO[D]O|FIX[M]E|XX[X])\b/ },
  { rule: 'no trailing space', pattern: /[ \t]$/ },
]

const isLogger = (path: string) => /^src\/kernel\/log[\w-]*\.ts$/.test(path)

export const textBreaches = (file: Source): Breach[] => {
  const breaches: Breach[] = []
  const report = (line: number, rule: string) => breaches.push({ path: file.path, line, rule })
  const typescript = file.path.endsWith('.ts')
  if (/^(utils?|helpers?|types?)\.\w+$/.test(basename(file.path)))
    report(1, 'no files named utils, helpers or types')
  if (file.lines.length - 1 > maxLines) report(maxLines + 1, `at most ${maxLines} lines a file`)
  if (!saysWhy(file)) report(1, 'the first line says in a comment why the file exists')
  file.lines.forEach((text, index) => {
    if (text.length > maxColumns) report(index + 1, `at most ${maxColumns} columns`)
    for (const { rule, pattern } of textRules) if (pattern.test(text)) report(index + 1, rule)
  })
  if (!typescript) return breaches
  file.code.forEach((text, index) => {
    for (const { rule, pattern, applies } of codeRules)
      if ((applies?.(file.path) ?? true) && pattern.test(text)) report(index + 1, rule)
  })
  return breaches
}

/** A doc comment for TypeScript, a docstring or comment for Python; a shebang may come first. */
const saysWhy = ({ path, lines, text }: Source): boolean => {
  if (text.trim() === '') return path.endsWith('.py')
  const first = lines[0]?.startsWith('#!') ? lines[1] : lines[0]
  return path.endsWith('.py')
    ? /^(r?"""\S|# \S)/.test(first ?? '')
    : /^\/\*\*( \S|$)/.test(first ?? '')
}
