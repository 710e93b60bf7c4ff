/** Finds out from the end of a log which exception ended a program. */
import type { JobException } from './streams.ts'

/** How much of the end is looked at. */
export const tailBytes = 64 * 1024
const maxMessageLength = 2_000

const header = /^(?:\s*\+ Exception Group )?\s*Traceback \(most recent call last\):$/
const exception = /^(?:\s*\| )?([A-Za-z_][\w.]*)(?::\s?(.*))?$/
const colour = /\u001b\[[\d;]*[A-Za-z]/g

/**
 * The exception of the last Python traceback, when nothing but a few lines follows it. What a
 * chain of exceptions ended with stands last, and so it is the one that is found.
 */
export const exceptionIn = (tail: string): JobException | null => {
  const lines = tail.replace(colour, '').replaceAll('\r\n', '\n').split('\n')
  const start = lines.findLastIndex((line) => header.test(line))
  if (start < 0) return null
  const at = lines.findIndex((line, index) => index > start && isException(line))
  if (at < 0) return null
  const [, type = '', first = ''] = exception.exec(lines[at] as string) ?? []
  // A message may have more lines: up to the first empty one.
  const rest = lines.slice(at + 1)
  const blank = rest.findIndex((line) => line.trim() === '')
  const more = blank < 0 ? rest : rest.slice(0, blank)
  const message = [first, ...more].join('\n').trim().slice(0, maxMessageLength)
  return { type, message }
}

/** Frames are indented; the exception's own line is not. */
const isException = (line: string): boolean => /^(?:\S|\s*\| \S)/.test(line) && exception.test(line)
