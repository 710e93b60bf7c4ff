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

export const extractProgram = (reply: string): Extracted => {
  const all = blocksIn(reply)
  const named = all.filter(({ language }) => language !== '' && python.has(language))
  const blocks = named.length > 0 ? named : all.filter(({ language }) => python.has(language))
  const programs = blocks.filter(({ code }) => looksLikeProgram(code))
  const [first] = programs
  if (first) {
    const code = programs.map((block) => block.code.trim()).join('\n\n')
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
  let open: { fence: string; language: string; at: number; lines: string[] } | null = null
  let at = 0
  for (const line of reply.split('\n')) {
    const mark = /^\s{0,3}(`{3,}|~{3,})\s*([\w+.-]*)/.exec(line)
    if (open) {
      const isEnd = mark?.[1]?.startsWith(open.fence) && /^\s*[`~]+\s*$/.test(line)
      if (isEnd) {
        blocks.push({ language: open.language, code: open.lines.join('\n'), at: open.at })
        open = null
      } else open.lines.push(line)
    } else if (mark?.[1]) {
      open = { fence: mark[1], language: (mark[2] ?? '').toLowerCase(), at, lines: [] }
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
