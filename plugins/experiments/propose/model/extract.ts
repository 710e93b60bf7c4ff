/** Finds the program in a model's reply, however it is fenced. */

export interface Extracted {
  /** What was said before the program. */
  readonly plan: string
  /** Empty: there is none. Prose is never taken for a program. */
  readonly code: string
}

interface Block {
  readonly language: string
  readonly code: string
  readonly at: number
}

const python = new Set(['', 'py', 'python', 'python3', 'py3'])

/** Models that think aloud try programs while they do. */
export const withoutThoughts = (reply: string): string =>
  reply.replace(/^\s*<(think|thinking)>.*?(<\/\1>|$)/s, '')

export const extractProgram = (said: string): Extracted => {
  const reply = withoutThoughts(said)
  const all = blocksIn(reply)
  const named = all.filter(({ language }) => language !== '' && python.has(language))
  const blocks = named.length > 0 ? named : all.filter(({ language }) => python.has(language))
  const programs = blocks.filter(({ language, code }) =>
    language === '' ? looksLikeProgram(code) : code.trim() !== '',
  )
  const [first] = programs
  if (first) {
    const code = programs.map((block) => block.code.replace(/^\n+|\s+$/g, '')).join('\n\n')
    return { plan: reply.slice(0, first.at).trim(), code: `${code}\n` }
  }
  const bare = reply.trim()
  if (all.length === 0 && startsLikeProgram(bare)) return { plan: '', code: `${bare}\n` }
  return { plan: bare, code: '' }
}

/**
 * A fence ends at a line that holds nothing but as many of its signs: three backticks inside of a
 * string do not end it. A reply that was cut off ends its last block.
 */
const blocksIn = (reply: string): Block[] => {
  const blocks: Block[] = []
  let open: (Omit<Block, 'code'> & { fence: string; indent: number; lines: string[] }) | null = null
  let at = 0
  for (const line of reply.split('\n')) {
    if (open) {
      // A block in a list is indented as a whole.
      const inside = line.replace(new RegExp(`^\\s{0,${open.indent}}`), '').replace(/\r$/, '')
      const end = /^ {0,3}(`{3,}|~{3,})\s*$/.exec(inside)?.[1]
      if (end?.startsWith(open.fence)) {
        blocks.push({ language: open.language, code: open.lines.join('\n'), at: open.at })
        open = null
      } else open.lines.push(inside)
    } else {
      const [, indent = '', fence, language = ''] =
        /^(\s*)(`{3,}|~{3,})\s*([\w+.-]*)/.exec(line) ?? []
      const lines: string[] = []
      if (fence) {
        open = { fence, language: language.toLowerCase(), at, indent: indent.length, lines }
      }
    }
    at += line.length + 1
  }
  if (open) blocks.push({ language: open.language, code: open.lines.join('\n'), at: open.at })
  return blocks
}

const statements = [
  /^\s*(import |from \w|def |class |print\(|for |while |if |with |try:)/m,
  /^\s*[A-Za-z_][\w.[\]'"]* *[+\-*/]?= *\S/m,
  /^\s*[A-Za-z_][\w.]*\(/m,
]

const looksLikeProgram = (code: string): boolean => statements.some((one) => one.test(code))

const startsLikeProgram = (text: string): boolean =>
  /^("""|'''|#|import |from \w+[\w.]* import )/.test(text)
