/** Lists what of a working folder is sent with a job. */
import { type Dirent, type Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { workPath } from '../../runners/workspace/work-path.ts'
import { Refusal } from './client-verb.ts'
import { IgnoreRules } from './ignore-rules.ts'

export interface LocalFile {
  /** Within the folder, with forward slashes. */
  readonly path: string
  /** Where the bytes are: elsewhere within the folder for a link. */
  readonly source: string
  readonly sizeBytes: number
  readonly executable: boolean
}

export interface FolderFiles {
  readonly files: readonly LocalFile[]
  /** One sentence for each thing that was left out because it is no file. */
  readonly remarks: readonly string[]
}

const maxFiles = 100_000

/** @throws Refusal for a link out of the folder, a name that no node takes, a home folder */
export const listFolder = async (given: string): Promise<FolderFiles> => {
  const root = await realpath(given).catch(() => {
    throw new Refusal(`there is no folder ${given}`)
  })
  const home = await realpath(homedir()).catch(() => homedir())
  if (root === '/' || root === home) {
    throw new Refusal(
      `${root} would be sent as a whole. Go to the folder of your program, ` +
        'or use --no-folder to send nothing.',
    )
  }
  const walk = new Walk(root)
  await walk.folder(root, '', IgnoreRules.at(root), [root])
  return walk
}

/** A server's own data, its key among it, is nothing for jobs: often it lies beside the program. */
const isDataFolder = (entries: readonly Dirent[]): boolean =>
  ['lock.sqlite', 'lock.pid'].every((name) => entries.some((entry) => entry.name === name))

class Walk {
  readonly files: LocalFile[] = []
  readonly remarks: string[] = []
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  /** `real`: where it is; `path`: the name it gets; `above`: the real folders it lies in. */
  async folder(
    real: string,
    path: string,
    rules: IgnoreRules,
    above: readonly string[],
  ): Promise<void> {
    const entries = await readdir(real, { withFileTypes: true })
    if (isDataFolder(entries)) {
      this.remarks.push(`${path || real} is left out: it is the data folder of a server`)
      return
    }
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const name = path === '' ? entry.name : `${path}/${entry.name}`
      const named = join(this.#root, name)
      if (rules.ignores(named, entry.isDirectory())) continue
      const source = entry.isSymbolicLink() ? await this.#target(named, name, above) : named
      const info = await stat(source)
      if (info.isDirectory()) {
        // A link to a folder is a folder at the other end.
        if (entry.isSymbolicLink() && rules.ignores(named, true)) continue
        await this.folder(source, name, rules.within(named), [...above, source])
      } else this.#add(name, source, info, entry)
    }
  }

  #add(name: string, source: string, info: Stats, entry: Dirent): void {
    if (!info.isFile()) {
      this.remarks.push(`${name} is left out: it is no file`)
      return
    }
    if (workPath(name) !== name || !entry.name.isWellFormed()) {
      throw new Refusal(`the name ${JSON.stringify(name)} cannot be used on a node`)
    }
    const executable = (info.mode & 0o100) !== 0
    this.files.push({ path: name, source, sizeBytes: info.size, executable })
    if (this.files.length > maxFiles) {
      throw new Refusal(`more than ${maxFiles} files; name some in .hearthignore`)
    }
  }

  async #target(named: string, name: string, above: readonly string[]): Promise<string> {
    const target = await realpath(named).catch(() => {
      throw new Refusal(`the link ${name} leads nowhere; remove it, or name it in .hearthignore`)
    })
    if (above.includes(target)) {
      throw new Refusal(`the link ${name} leads to a folder that it lies in`)
    }
    const within = relative(this.#root, target)
    if (within.split(sep)[0] !== '..') return target
    throw new Refusal(
      `the link ${name} leads out of the folder, to ${target}, which is not sent. ` +
        'Put a copy in its place, or name it in .hearthignore.',
    )
  }
}
