/** Takes the fenced blocks out of the documentation, so that tests can run them as printed. */
import { Glob } from 'bun'
import { join } from 'node:path'

const root = join(import.meta.dir, '../..')

export interface Block {
  /** Relative to the root of the repository. */
  readonly document: string
  /** `README.md 2`: the document's second block. */
  readonly key: string
  readonly language: string
  readonly text: string
}

const fenced = /^( *)```(\S*)[^\n]*\n([\s\S]*?)^\1```$/gm

export const blocksOf = (document: string, markdown: string): Block[] => {
  const fences = markdown.match(/^ *```/gm)?.length ?? 0
  const found = [...markdown.matchAll(fenced)]
  if (fences !== 2 * found.length) throw new Error(`${document}: a block has no end`)
  return found.map(([, , language, text], index) => ({
    document,
    key: `${document} ${index + 1}`,
    language: language as string,
    text: text as string,
  }))
}

const places = ['README.md', 'docs/*.md', 'sdk/python/README.md', 'plugins/*/README.md']

export const readBlocks = async (): Promise<Block[]> => {
  const found = places.map((place) => Array.fromAsync(new Glob(place).scan({ cwd: root })))
  const documents = (await Promise.all(found)).flatMap((paths) => paths.sort())
  const all = documents.map(async (document) =>
    blocksOf(document, await Bun.file(join(root, document)).text()),
  )
  return (await Promise.all(all)).flat()
}
