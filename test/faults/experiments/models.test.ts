/**
 * What language models and their programs do wrong, done to a whole server: AIDE ML ends the run,
 * or takes the wrong node for the best one; here the node tells, and the experiment goes on.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { type Asked, type Said, startModelServer } from '../../../scripts/model-server.ts'
import { honestReview, type ModelServer, programSaid } from '../../../scripts/model-server.ts'
import { waitUntil } from '../../../scripts/port.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { Lab } from './lab.ts'

interface Row {
  readonly programs: readonly string[]
  review?(asked: Asked, ofThisRow: number): Said
}

interface Node {
  readonly id: string
  readonly isBuggy: boolean
  readonly failure: string | null
  readonly metric: { readonly value: number | null; readonly maximize: boolean | null }
  readonly excType: string | null
  readonly warnings: readonly string[]
}

interface Results {
  readonly status: string
  readonly error: { readonly code: string; readonly message: string } | null
  readonly bestSolution: { readonly nodeId: string; readonly code: string } | null
  readonly journal: { readonly nodes: readonly Node[] }
}

const review = (metric: unknown, lower_is_better = false, is_bug = false): Said => ({
  tool: { is_bug, summary: 'Read.', metric, lower_is_better },
})

const prints = (metric: number) => `print("metric: ${metric}")`

const submits = (metric: number, text: string) =>
  `open("working/submission.csv", "w").write("${text}")\n${prints(metric)}`

const rows = {
  'an integer is a metric': {
    programs: [prints(1)],
    review: () => review(1),
  },
  'a text is read where the tool was not called': {
    programs: [prints(0.75), prints(0.5)],
    review: (_, nth) =>
      nth === 0
        ? { text: 'Fine.\n{"is_bug": false, "summary": "s", "metric": 0.75}' }
        : { text: 'I would rather not say.' },
  },
  'a reviewer may turn the direction: the first one counts': {
    programs: [prints(0.5), prints(0.9)],
    review: (asked, nth) => review(nth === 0 ? 0.5 : 0.9, nth === 1),
  },
  'not a number is no score, least of all the best one': {
    programs: [prints(0.5), 'print("metric: nan")'],
    review: (_, nth) => review(nth === 0 ? 0.5 : 'NaN', true),
  },
  'a killed program ends its node alone': {
    programs: ['import os; os.kill(os.getpid(), 9)', 'bytearray(1 << 60)', prints(0.25)],
  },
  'what is delivered is what the best node left': {
    programs: [submits(0.9, 'first'), submits(0.1, 'second')],
  },
  'a reply without a program uses up its step': { programs: [''] },
} as const satisfies Record<string, Row>

type Name = keyof typeof rows

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: ModelServer
let lab: Lab
const begun = new Map<string, number>()
const reviewed = new Map<string, number>()

const nth = (counts: Map<string, number>, name: string): number => {
  const count = counts.get(name) ?? 0
  counts.set(name, count + 1)
  return count
}

const rowOf = ({ prompt }: Asked): [string, Row] => {
  const found = Object.entries(rows).find(([name]) => prompt.includes(name))
  if (!found) throw new Error(`No row is named in: ${prompt}`)
  return found
}

beforeAll(async () => {
  folder = await temporaryFolder()
  server = startModelServer({
    program(asked) {
      if (asked.prompt.includes('nobody answers')) {
        return new Response('{}', { status: 500, headers: { 'retry-after': '0.01' } })
      }
      const [name, { programs }] = rowOf(asked)
      const code = programs[Math.min(nth(begun, name), programs.length - 1)] ?? ''
      return code === '' ? { text: 'I have no idea.' } : programSaid(code)
    },
    review(asked) {
      const [name, row] = rowOf(asked)
      return row.review?.(asked, nth(reviewed, name)) ?? honestReview(asked)
    },
  })
  lab = await Lab.open(join(folder.path, 'lab'), { OPENAI_BASE_URL: server.url })
}, 60_000)

afterAll(async () => {
  await lab?.end('SIGKILL')
  await server?.[Symbol.asyncDispose]()
  await folder?.[Symbol.asyncDispose]()
})

const run = async (goal: string, steps: number): Promise<{ id: string; results: Results }> => {
  const { id } = await lab.ask<{ id: string }>('POST', '/api/experiments', {
    name: goal,
    goal,
    steps,
    target: null,
    reruns: 0,
    ensemble: false,
    report: false,
    models: { code: { model: 'gpt-scripted' } },
    exec: { timeoutS: 30, memoryBytes: 2 ** 28 },
  })
  await lab.ask('POST', `/api/experiments/${id}/start`)
  let results: Results | undefined
  await waitUntil(
    'the end of the experiment',
    async () => {
      results = await lab.ask<Results>('GET', `/api/experiments/${id}/results`)
      return results.status === 'completed' || results.status === 'failed'
    },
    60_000,
  )
  return { id, results: results as Results }
}

const told = ({ status, bestSolution, journal }: Results) => ({
  status,
  best: bestSolution?.nodeId ?? null,
  nodes: journal.nodes.map(({ failure, metric }) => failure ?? metric.value),
})

const expected: Readonly<Record<Name, { best: string | null; nodes: (string | number | null)[] }>> =
  {
    'an integer is a metric': { best: 'node_1', nodes: [1] },
    'a text is read where the tool was not called': { best: 'node_1', nodes: [0.75, 'no_metric'] },
    'a reviewer may turn the direction: the first one counts': {
      best: 'node_2',
      nodes: [0.5, 0.9],
    },
    'not a number is no score, least of all the best one': {
      best: 'node_1',
      nodes: [0.5, 'non_finite_metric'],
    },
    'a killed program ends its node alone': { best: 'node_3', nodes: ['killed', 'memory', 0.25] },
    'what is delivered is what the best node left': { best: 'node_1', nodes: [0.9, 0.1] },
    'a reply without a program uses up its step': { best: null, nodes: ['no_code'] },
  }

test.each(Object.keys(rows) as Name[])(
  '%s',
  async (name) => {
    const { id, results } = await run(name, expected[name].nodes.length)
    expect(told(results)).toEqual({ status: 'completed', ...expected[name] })
    if (name.startsWith('a reviewer')) {
      expect(results.journal.nodes[1]?.warnings.join()).toContain('lower is better')
      expect(results.journal.nodes[1]?.metric.maximize).toBe(true)
    }
    if (name.startsWith('what is delivered')) {
      const left = await fetch(
        `${lab.origin}/api/experiments/${id}/nodes/node_1/artifacts/working/submission.csv`,
      )
      expect(await left.text()).toBe('first')
    }
  },
  90_000,
)

test('a model that never answers ends the experiment as failed, after a few tries', async () => {
  const before = server.asked.programs.length
  const { id, results } = await run('nobody answers', 3)
  expect(results.status).toBe('failed')
  expect(server.asked.programs.length - before).toBe(5)
  const { error } = await lab.ask<Results>('GET', `/api/experiments/${id}`)
  expect(error).toMatchObject({ code: 'TIMEOUT_ERROR' })
}, 90_000)
