/** Reads the lines of a requirements file: one form for the same wish, nothing that runs code. */
import { PrepareError } from '../workspace/prepare-error.ts'
import { shown } from '../workspace/work-path.ts'

const name = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?/
const archive = /\.(whl|zip|tar|tgz|tbz|txz|tar\.\w+|egg)$/i
const afterName = /^\s*(\[[A-Za-z0-9._,\s-]*\])?\s*($|;|@|--hash|[=<>!~]=|<|>|\()/
const wheelAddress = /^https:\/\/[^\s#?]+\.whl([?#]\S*)?$/i
const options: readonly RegExp[] = [
  /^(-i|--index-url|--extra-index-url|-f|--find-links)[ =]https:\/\/\S+$/,
  /^--(no-index|pre|prefer-binary|require-hashes)$/,
  /^--only-binary[ =]\S+$/,
]

/**
 * Packages are installed by the node itself, outside of any sandbox, so that only wheels are taken
 * (a source distribution is a program), and nothing that would read the node's own disk.
 * @throws PrepareError naming the line
 */
export const normaliseRequirements = (lines: readonly string[]): string[] => {
  const joined = lines.join('\n').replace(/\r\n?/g, '\n').replace(/\\\n/g, ' ')
  const wishes = joined
    .split('\n')
    .map((line) =>
      line
        .replace(/(^|\s+)#.*$/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '')
  const found = { options: new Set<string>(), packages: new Set<string>() }
  for (const line of wishes) {
    // pip would put variables of the node's own environment there.
    if (line.includes('${')) throw refusal(line, 'variables are not replaced')
    if (line.startsWith('-')) found.options.add(checkOption(line))
    else found.packages.add(checkPackage(line))
  }
  return [...found.options, ...[...found.packages].toSorted()]
}

export const hasHashes = (requirements: readonly string[]): boolean =>
  requirements.some((line) => / --hash[ =]/.test(line) || line === '--require-hashes')

/** What is asked for, without options and hashes: short enough to be shown. */
export const packagesOf = (requirements: readonly string[]): string[] =>
  requirements
    .filter((line) => !line.startsWith('-'))
    .map((line) => line.replace(/ --hash.*$/, '').replace(/\s*;.*$/, ''))

const refusal = (line: string, why: string) =>
  new PrepareError(`the requirement ${shown(line)} is refused: ${why}`)

const checkOption = (line: string): string => {
  if (options.some((allowed) => allowed.test(line))) return line
  throw refusal(line, 'the option is not allowed in a job')
}

const checkPackage = (line: string): string => {
  if (wheelAddress.test(line.replace(/ --hash.*$/, ''))) return line
  const found = name.exec(line)?.[0]
  const rest = line.slice(found?.length ?? 0)
  if (!found || archive.test(found) || !afterName.test(rest))
    throw refusal(line, 'it is not a package with a version')
  const address = /^\s*(?:\[[^\]]*\])?\s*@\s*(\S+)/.exec(rest)?.[1]
  if (address !== undefined && !wheelAddress.test(address))
    throw refusal(line, 'an address must be that of a wheel, over https')
  const extra = /(?:^|\s)-(?!-hash[= ](sha256|sha384|sha512):[0-9a-f]+(\s|$))/.test(rest)
  if (extra) throw refusal(line, 'only --hash may follow a package')
  return found.toLowerCase().replace(/[-_.]+/g, '-') + tighten(rest)
}

/** `numpy == 2.3` and `numpy==2.3` are one environment. */
const tighten = (rest: string): string => {
  const end = rest.search(/;|@|--hash/)
  const version = end < 0 ? rest : rest.slice(0, end)
  const tight = version.replace(/\s+/g, '')
  return end < 0 ? tight : `${tight} ${rest.slice(end)}`
}
