/** `hearth pull`: brings home what a job left behind. */
import { UsageError } from './arguments.ts'
import { type ClientVerb, type Context, Refusal } from './client-verb.ts'
import { findJobId } from './job-id.ts'
import { bytesBar } from './progress.ts'
import { type ArtifactView, Landing } from './pull-file.ts'
import { formatSize } from './quantities.ts'
import { Screen } from './screen.ts'
import { plainText } from './style.ts'

const options = {
  output: { type: 'string', short: 'o' },
  force: { type: 'boolean', default: false },
} as const

export const pull: ClientVerb<typeof options> = {
  name: 'pull',
  help: `Download what a job left behind

  hearth pull last
  hearth pull last 'out/**/*.onnx'
  hearth pull j4kq2 model.onnx -o downloads

Each file keeps its path below the folder, and is compared with its digest. What a broken
download left is gone on with, and what is there already is not fetched again.

  --output, -o DIR   default: the working folder
  --force            replace files that differ
`,
  options,
  async run({ values, positionals }, context) {
    const [given, ...patterns] = positionals
    if (given === undefined) throw new UsageError('which job? Give its id, or `last`')
    const { api, output } = context
    const id = await findJobId(given, context)
    const all = await api.json<ArtifactView[]>('GET', `/api/jobs/${id}/artifacts`)
    const wanted = select(all, patterns)
    const landing = new Landing(values.output ?? '.', values.force)
    const screen = new Screen(output)
    try {
      return await fetchAll(id, wanted, landing, context, screen)
    } finally {
      screen.close()
    }
  },
}

/** A pattern that names nothing is a mistake. @throws Refusal */
const select = (all: readonly ArtifactView[], patterns: readonly string[]): ArtifactView[] => {
  const matching = (pattern: string) => {
    const glob = new Bun.Glob(pattern.replace(/\/$/, '/**'))
    return all.filter(({ path }) => path === pattern || glob.match(path))
  }
  for (const pattern of patterns) {
    if (matching(pattern).length > 0) continue
    const some = all.slice(0, 10).map(({ path }) => `  ${plainText(path)}`)
    const known = all.length === 0 ? 'The job left nothing.' : `There is:\n${some.join('\n')}`
    throw new Refusal(`nothing is named ${pattern}. ${known}`)
  }
  return patterns.length === 0 ? [...all] : [...new Set(patterns.flatMap(matching))]
}

const fetchAll = async (
  id: string,
  wanted: readonly ArtifactView[],
  landing: Landing,
  { api, output }: Context,
  screen: Screen,
): Promise<number> => {
  const total = wanted.reduce((sum, { size }) => sum + size, 0)
  if (wanted.length === 0) screen.note('The job left nothing.')
  let done = 0
  let failures = 0
  for (const file of wanted) {
    const before = done
    try {
      const result = await landing.fetch(api, id, file, (bytes) => {
        done += bytes
        screen.show(bytesBar(plainText(file.path), done, total))
      })
      const { path, sha256, size } = file
      await output.record({ path, sha256, size, file: result.path, result: result.kind })
      screen.note(`${plainText(result.path)}  ${formatSize(size)}${said[result.kind]}`)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      failures++
      await output.record({ path: file.path, error: { message: error.message } })
      screen.note(`hearth pull: ${error.message}`)
    }
    done = before + file.size
  }
  return failures > 0 ? 1 : 0
}

const said = { fetched: '', present: '  (was there)' } as const
