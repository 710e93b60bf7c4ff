/** A whole server whose model is scripted: replays, budgets and keys, with programs really run. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { waitUntil } from '../../../../scripts/port.ts'
import { temporaryFolder } from '../../../../scripts/temporary.ts'
import { Lab } from '../../../faults/experiments/lab.ts'
import { keys, type ModelServer, type Said, startModelServer } from './model-server.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: ModelServer
let lab: Lab
let written = 0

const source = (k: number): string =>
  k % 4 === 2
    ? 'raise ValueError("no rows")'
    : `import os\nprint(sorted(os.environ.items()))\nprint("metric: 0.${k}5")`

/** Says another program each time, and now and then none; reads what was printed. */
const scripted = (prompt: string, tool: string | null): Said => {
  if (!tool) {
    const k = written++
    return { text: k % 5 === 3 ? 'No idea.' : `Plan ${k}.\n\`\`\`python\n${source(k)}\n\`\`\`` }
  }
  const metric = [...prompt.matchAll(/metric: (0\.\d+)\\n/g)].at(-1)?.[1]
  const isBug = metric === undefined
  const input = { is_bug: isBug, summary: 'Read.', metric: isBug ? null : Number(metric) }
  return { tool, input: { ...input, lower_is_better: false } }
}

beforeAll(async () => {
  folder = await temporaryFolder()
  server = startModelServer(({ prompt, tool }, index) =>
    index === 0
      ? Response.json({ error: { message: `Who is ${keys.openai}?` } }, broken)
      : scripted(prompt, tool),
  )
  const { OPENAI_BASE_URL, OPENAI_API_KEY } = server.env
  const env = { OPENAI_BASE_URL: OPENAI_BASE_URL!, OPENAI_API_KEY: OPENAI_API_KEY! }
  lab = await Lab.open(join(folder.path, 'lab'), env)
}, 60_000)

const broken = { status: 500, headers: { 'retry-after': '0.001' } }

afterAll(async () => {
  await lab?.end('SIGKILL')
  await server?.[Symbol.asyncDispose]()
  await folder?.[Symbol.asyncDispose]()
})

interface Results {
  readonly status: string
  readonly notes: readonly string[]
  readonly journal: { readonly nodes: readonly Record<string, unknown>[] }
}

const begin = async (more: Record<string, unknown>): Promise<string> => {
  const { id } = await lab.ask<{ id: string }>('POST', '/api/experiments', {
    ...{ name: 'Scripted', goal: 'Print a metric', target: null, reruns: 0, report: false },
    ...{ exec: { timeoutS: 30, memoryBytes: 2 ** 28 }, ...more },
  })
  await lab.ask('POST', `/api/experiments/${id}/start`)
  return id
}

const ended = async (id: string): Promise<Results> => {
  let results: Results | undefined
  await waitUntil(
    'the end of the experiment',
    async () => {
      results = await lab.ask<Results>('GET', `/api/experiments/${id}/results`)
      return results.status === 'completed' || results.status === 'failed'
    },
    60_000,
  )
  return results as Results
}

/** What a tree is, whenever and wherever its programs ran. */
const treeOf = ({ journal }: Results) =>
  journal.nodes.map(({ id, parentId, stage, plan, code, author, analysis, metric, isBuggy }) => ({
    ...{ id, parentId, stage, plan, code, author, analysis, metric, isBuggy },
  }))

test('the same seed and recorded replies grow the identical tree, and ask nobody', async () => {
  const steps = { steps: 5, seed: 3, search: { numDrafts: 2, debugProb: 1 } }
  const from = await begin(steps)
  const original = await ended(from)
  const asked = server.asked.length
  const again = await ended(await begin({ ...steps, replayFrom: from }))
  expect(original.status).toBe('completed')
  expect(new Set(original.journal.nodes.map(({ stage }) => stage))).toEqual(
    new Set(['draft', 'improve', 'debug']),
  )
  expect(treeOf(again)).toEqual(treeOf(original))
  expect(server.asked.length).toBe(asked)

  const { calls } = await lab.ask<{ calls: unknown[] }>('GET', `/api/experiments/${from}/calls`)
  const tree = await (await fetch(`${lab.origin}/api/experiments/${from}/tree.html`)).text()
  const seen = JSON.stringify([calls, original]) + tree
  expect(seen).toContain('500 Who is …?')
  expect(seen).not.toContain(keys.openai)
}, 90_000)

test.each([
  [{ tokens: 600 }, 'Its budget of 600 tokens is used up: 600 were needed.'],
  // 0.0006 USD for a program, 0.00012 for its review.
  [{ usd: 0.0014 }, 'Its budget of 0.0014 USD is used up: 0.0014 were spent.'],
])(
  'a budget of %o ends the experiment as complete',
  async (budget, note) => {
    written = 0
    const results = await ended(await begin({ steps: 20, budget, report: true }))
    expect({
      status: results.status,
      nodes: results.journal.nodes.length,
      notes: results.notes,
    }).toEqual({ status: 'completed', nodes: 2, notes: [note] })
  },
  90_000,
)

test.each([
  [
    { models: { code: { model: 'mine' } }, budget: { usd: 1 } },
    'body.models.code: What mine costs is not known: give usdPerMillion, or no budget of money',
  ],
  [
    { models: { review: { model: 'ollama/x' } } },
    'body.models.review: No provider is set that has the model ollama/x',
  ],
  [{ replayFrom: 'exp_000000000000' }, 'replayFrom: There is no experiment exp_000000000000'],
])('what cannot be is refused at the start: %o', async (more, message) => {
  const error = await begin({ steps: 3, ...more }).catch(({ message: said }: Error) => said)
  expect(error).toContain('/start: 422')
  expect(error).toContain(message)
})
