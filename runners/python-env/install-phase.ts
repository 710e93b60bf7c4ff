/** Says in a few words what an installer is doing, from the lines it writes. */
import { packagesOf } from './requirements.ts'

const phases: readonly [RegExp, (found: RegExpExecArray) => string][] = [
  [/^Collecting (\S+)/, ([, wish]) => `resolving ${wish}`],
  // uv has a space after the word, pip the address or name of the file.
  [
    /^\s*Downloading (\S*?)([^/\s]+)( \(.*\))?$/,
    ([, , what, size]) => `downloading ${what}${size ?? ''}`,
  ],
  [/^Installing collected packages: (.+)/, ([, names]) => `installing ${shorten(names ?? '')}`],
  [/^Resolved (\d+ packages?)/, ([, count]) => `downloading ${count}`],
  [/^Prepared (\d+ packages?)/, ([, count]) => `installing ${count}`],
]

/** Null for lines that tell nothing new. */
export const installPhase = (line: string): string | null => {
  for (const [pattern, phase] of phases) {
    const found = pattern.exec(line)
    if (found) return phase(found)
  }
  return null
}

const maxNames = 3

const shorten = (names: string): string => {
  const all = names.split(/,\s*/)
  const more = all.length - maxNames
  return more > 0 ? `${all.slice(0, maxNames).join(', ')} and ${more} more` : all.join(', ')
}

export const describe = (requirements: readonly string[]): string =>
  shorten(packagesOf(requirements).join(', '))
