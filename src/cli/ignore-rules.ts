/** Which files of a folder stay at home: `.gitignore` as Git means it, then `.hearthignore`. */
import ignore, { type Ignore } from 'ignore'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Never of use elsewhere; a `!` line of an ignore file takes one back. */
const standing = ['.git', '.hg', '.svn', '__pycache__/', '.venv/', '.DS_Store', '*.hearth-part']

/** The rules of one folder, for paths below it. */
interface Layer {
  /** Absolute. */
  readonly folder: string
  readonly rules: Ignore
}

/** The rules that hold in one folder, the innermost last; made anew for each folder below. */
export class IgnoreRules {
  readonly #layers: readonly Layer[]

  private constructor(layers: readonly Layer[]) {
    this.#layers = layers
  }

  /** Those of `root`, and of the folders above it up to where the repository begins. */
  static at(root: string): IgnoreRules {
    let rules = new IgnoreRules([{ folder: root, rules: ignore().add(standing) }])
    for (const folder of repositoryPath(root)) rules = rules.within(folder)
    return rules
  }

  /** With the rules that lie in a folder, whose word counts more. */
  within(folder: string): IgnoreRules {
    const files = ['.git/info/exclude', '.gitignore', '.hearthignore']
    const texts = files.map((name) => textOf(join(folder, name))).filter((text) => text !== '')
    if (texts.length === 0) return this
    return new IgnoreRules([...this.#layers, { folder, rules: ignore().add(texts.join('\n')) }])
  }

  /** `path` absolute. Once a folder is ignored, nothing below it can be taken back. */
  ignores(path: string, isFolder: boolean): boolean {
    for (const { folder, rules } of this.#layers.toReversed()) {
      const { ignored, unignored } = rules.test(relative(folder, path) + (isFolder ? '/' : ''))
      if (ignored || unignored) return ignored
    }
    return false
  }
}

/** From the root of the repository down to `folder`; only `folder` where there is none. */
const repositoryPath = (folder: string): string[] => {
  const path: string[] = []
  for (let at = folder; ; at = dirname(at)) {
    path.unshift(at)
    if (existsSync(join(at, '.git'))) return path
    if (dirname(at) === at) return [folder]
  }
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
