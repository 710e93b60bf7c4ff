/** What a program changed of its parent's, line by line, with a little around it. */
import { structuredPatch } from 'diff'

/** Each line begins with `+`, `-`, a space, or `@` where lines are left out. */
export type Changes = readonly string[]

const contextLines = 3

/** Beyond, two programs have nothing in common, and looking for it takes long. */
const maxEdits = 4_000

/** null: too different to be told apart line by line. Pure. */
export const changesBetween = (before: string, after: string): Changes | null => {
  const patch = structuredPatch('', '', ended(before), ended(after), '', '', {
    context: contextLines,
    maxEditLength: maxEdits,
  })
  if (!patch) return null
  return patch.hunks.flatMap(({ oldStart, newStart, lines }) => [
    `@ line ${oldStart}, now ${newStart}`,
    ...lines.filter((line) => !line.startsWith('\\')),
  ])
}

const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)
