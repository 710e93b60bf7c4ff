/** The built-in proposer beside scikit-learn and FLAML: test scores for equal time. */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { say } from '../../scripts/say.ts'
import { virtualEnvironment } from '../../scripts/services/python.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'

const root = join(import.meta.dir, '../..')
const script = join(import.meta.dir, 'ladder_peers.py')

/** More than there is time for. */
const steps = 50

export interface LadderOptions {
  /** What a search may take for one data set: ours, and FLAML's. */
  readonly seconds?: number
}

interface Fit {
  readonly score: number
  readonly seconds: number
}
type Peer = 'linear' | 'forest' | 'boosting' | 'flaml'

interface Row {
  readonly name: string
  readonly metric: string
  readonly ours: Fit & { readonly programs: number }
  readonly peers: Readonly<Record<Peer, Fit>>
}

/** Prints a table: nobody has seen the rows that are scored. */
export const ladderTable = async ({ seconds = 30 }: LadderOptions = {}): Promise<void> => {
  await using folder = await temporaryFolder()
  const python = await virtualEnvironment(
    join(root, '.cache/bench-ladder-venv'),
    join(import.meta.dir, 'ladder-requirements.txt'),
  )
  const data = join(folder.path, 'data')
  const sets = JSON.parse(await answer([python, script, 'split', data])) as Record<string, string>
  const rows: Row[] = []
  const server = await startServer(folder.path, python)
  try {
    for (const [name, metric] of Object.entries(sets)) {
      const { code, ...search } = await climb(server.origin, data, name, metric, seconds)
      const score = await predict(python, data, name, code)
      const peers = await answer([python, script, 'peers', data, name, String(seconds)])
      rows.push({ name, metric, ours: { score, ...search }, peers: JSON.parse(peers) })
      say(lineOf(rows.at(-1)!))
    }
  } finally {
    await server.end()
  }
  say(`\nScores of 30 % of the rows, ${seconds} s a search, one processor\n\n${tableOf(rows)}`)
}

/** The last line: libraries may say something before it. */
const answer = async (argv: readonly string[]): Promise<string> =>
  (await must(argv)).trim().split('\n').at(-1) ?? ''

const startServer = async (folder: string, python: string) => {
  const config = join(folder, 'hearth.config.json')
  await Bun.write(config, JSON.stringify({ plugins: { experiments: { config: { python } } } }))
  const base = (await must([python, '-c', 'import sys; print(sys.base_prefix)'])).trim()
  return startHearth({
    dataDir: join(folder, 'hearth'),
    env: {
      HEARTH_SHARE: `${dirname(dirname(python))}:${base}`,
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'error',
    },
    args: ['--config', config],
  })
}

interface Results {
  readonly bestSolution: { readonly code: string } | null
  readonly journal: { readonly nodes: readonly { readonly state: string }[] }
}

/** An experiment as anybody makes one, without a model; only the training rows are uploaded. */
const climb = async (
  origin: string,
  data: string,
  name: string,
  metric: string,
  seconds: number,
) => {
  const ask = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const isForm = body instanceof FormData
    const reply = await fetch(`${origin}${path}`, {
      method,
      ...(body && { body: isForm ? body : JSON.stringify(body) }),
      ...(body && !isForm && { headers: { 'content-type': 'application/json' } }),
    })
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`)
    return ((await reply.json()) as { data: T }).data
  }
  const table = await Bun.file(join(data, name, 'input', `${name}.csv`)).bytes()
  const form = new FormData()
  form.append('files', new File([table], `${name}.csv`))
  const [file] = await ask<{ id: string }[]>('POST', '/api/upload', form)
  const { id } = await ask<{ id: string }>('POST', '/api/experiments', {
    ...{ name, goal: 'Predict the target', eval: metric, steps, files: [file?.id] },
    ...{ target: 'target', metric, proposer: 'built-in', report: false },
    // Runs with other seeds come after the search, and take time that FLAML does not have.
    ...{ reruns: 0, budget: { seconds } },
  })
  const begun = performance.now()
  await ask('POST', `/api/experiments/${id}/start`)
  const isOver = async () => {
    const { status } = await ask<{ status: string }>('GET', `/api/experiments/${id}/status`)
    return ['completed', 'failed', 'stopped'].includes(status)
  }
  await waitUntil(`the search on ${name}`, isOver, (seconds + 300) * 1000)
  const took = (performance.now() - begun) / 1000
  const { bestSolution, journal } = await ask<Results>('GET', `/api/experiments/${id}/results`)
  if (!bestSolution) throw new Error(`The search on ${name} found nothing`)
  const programs = journal.nodes.filter(({ state }) => state === 'finished').length
  return { code: bestSolution.code, seconds: took, programs }
}

/** Runs the delivered program outside Hearth, on all training rows. */
const predict = async (python: string, data: string, name: string, code: string) => {
  const work = join(data, name)
  await mkdir(join(work, 'working'), { recursive: true })
  await Bun.write(join(work, 'solution.py'), code)
  await must([python, '-W', 'ignore', 'solution.py'], { cwd: work })
  return Number(await answer([python, script, 'judge', data, name]))
}

const peerNames = ['linear', 'forest', 'boosting', 'flaml'] as const

const lineOf = ({ name, metric, ours, peers }: Row): string =>
  [
    `${name} (${metric}): ${ours.score.toFixed(4)}`,
    `${ours.programs} programs in ${ours.seconds.toFixed(0)} s;`,
    ...peerNames.map((peer) => `${peer} ${peers[peer].score.toFixed(4)}`),
  ].join(' ')

const tableOf = (rows: readonly Row[]): string =>
  [
    ['', 'Hearth', 'programs', 'linear', 'forest', 'boosting', 'FLAML', 'best'],
    ['---', '---:', '---:', '---:', '---:', '---:', '---:', '---'],
    ...rows.map((row) => [
      `${row.name} (${row.metric}${row.metric === 'rmse' ? ', lower is better' : ''})`,
      row.ours.score.toFixed(4),
      String(row.ours.programs),
      ...peerNames.map((peer) => row.peers[peer].score.toFixed(4)),
      bestOf(row),
    ]),
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

/** Whoever has the best score; several, where they have the same. */
const bestOf = ({ metric, ours, peers }: Row): string => {
  const sign = metric === 'rmse' ? -1 : 1
  const all = [
    ['Hearth', ours.score] as const,
    ...peerNames.map((peer) => [peer === 'flaml' ? 'FLAML' : peer, peers[peer].score] as const),
  ]
  const best = Math.max(...all.map(([, score]) => sign * score))
  return all
    .filter(([, score]) => best - sign * score < 1e-9)
    .map(([name]) => name)
    .join(', ')
}

if (import.meta.main) await ladderTable({ seconds: Number(process.argv[2] ?? 30) })
