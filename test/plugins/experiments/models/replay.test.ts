/** Recorded replies grow the same tree again, and replies that were paid are not paid twice. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { apply, emptyJournal } from '../../../../plugins/experiments/journal/fold.ts'
import type { JournalEvent } from '../../../../plugins/experiments/journal/events.ts'
import type { Journal } from '../../../../plugins/experiments/journal/journal.ts'
import {
  type Recording,
  replayOf,
  unusedOf,
} from '../../../../plugins/experiments/models/replay.ts'
import { createModelProposer } from '../../../../plugins/experiments/propose/model/proposer.ts'
import { greedy } from '../../../../plugins/experiments/search/greedy.ts'
import { randomFrom } from '../../../../plugins/experiments/search/random.ts'
import { contextOf, nodeOf, runOf, verdictOf } from '../propose-model/context.ts'
import { type ModelServer, startModelServer } from './model-server.ts'
import { filed, modelsOf, openRig, question, type Rig } from './rig.ts'

let server: ModelServer
let rig: Rig
let written = 0

/** Never says the same twice; some replies hold no program, some are bugs, some never come. */
beforeAll(async () => {
  server = startModelServer(({ tool }) => {
    const k = written++
    if (k % 7 === 6) return new Response(null, { status: 500 })
    if (tool) {
      const isBug = k % 4 === 0
      const metric = isBug ? null : Math.sin(k)
      const input = { is_bug: isBug, summary: `Review ${k}`, metric, lower_is_better: false }
      return { tool, input }
    }
    return { text: k % 3 === 0 ? 'No idea.' : `Plan ${k}.\n\`\`\`python\nprint(${k})\n\`\`\`` }
  })
  rig = await openRig(server.env)
})

beforeEach(() => {
  written = 0
})

afterAll(async () => {
  await rig?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

const settings = { models: { code: { model: 'gpt-4.1' } }, budget: {} }

/** The loop of the engine, with one worker and programs that need not be run. */
const grow = async (
  experimentId: string,
  steps: number,
  recording: Recording | null,
  models = rig.models,
): Promise<Journal> => {
  const proposer = createModelProposer({ models, settings, recording })
  let journal = emptyJournal(steps)
  const append = (event: JournalEvent) => {
    journal = apply(journal, { seq: journal.version + 1, at: 0, event })
  }
  for (let step = 1; step <= steps; step++) {
    const random = randomFrom(7, step)
    const search = { numDrafts: 2, debugProb: 0.5, maxDebugDepth: 3 }
    const action = greedy.next({ journal, settings: search, elapsedShare: 0 }, random)
    const context = contextOf(experimentId, { journal, step, random })
    const proposal = await proposer.propose(action, context)
    const node = `node_${step}`
    const parents = action.kind === 'draft' || action.kind === 'fuse' ? [] : [action.parent]
    append({
      ...{ type: 'proposed', node, step, parents, stage: action.kind, needsApproval: false },
      ...proposal,
    })
    append({ type: 'running', node, jobId: 'job' })
    const run = runOf(proposal.code)
    const { isBug, metric, summary } = await proposer.review(journal.nodes[step - 1]!, run, context)
    const verdict = verdictOf({ isBuggy: isBug, metric, analysis: summary })
    append({ type: 'finished', node, run, verdict })
  }
  return journal
}

/** Without the ids of calls, which are each experiment's own. */
const treeOf = ({ nodes }: Journal) => nodes.map(({ calls, ...node }) => [node, calls.length])

describe('a replay', () => {
  test('grows the same tree without a model, and files the same calls', async () => {
    const original = await grow(rig.experimentId, 8, null)
    const recording = replayOf(await rig.ledger.list(rig.experimentId), original)
    const asked = server.asked.length
    const experimentId = await rig.another()
    const again = await grow(experimentId, 8, recording, modelsOf(rig, {}))
    expect(treeOf(again)).toEqual(treeOf(original))
    expect(new Set(original.nodes.map(({ stage }) => stage)).size).toBeGreaterThan(1)
    const calls = await filed(rig)
    const replies = calls.filter(({ error }) => error === null)
    expect(replies.length).toBeLessThan(calls.length)
    expect(await filed(rig, experimentId)).toEqual(replies)
    expect(server.asked.length).toBe(asked)
  })

  test('that goes further than the recording says so, and asks nobody', async () => {
    const from = await rig.another()
    const original = await grow(from, 1, null)
    const recording = replayOf(await rig.ledger.list(from), original)
    const asked = server.asked.length
    const error = await grow(await rig.another(), 2, recording).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'EXECUTION_ERROR',
      message: 'The recording has no reply left to “draft” of step 2',
    })
    expect(server.asked.length).toBe(asked)
  })
})

describe('a server that ended after a reply', () => {
  const draft = { operator: 'draft', role: 'code' } as const

  const nodeWith = (calls: readonly string[], state: 'running' | 'finished') =>
    ({ ...emptyJournal(3), nodes: [nodeOf({ calls, state })] }) as const

  test('pays only for what it has not had', async () => {
    const experimentId = await rig.another()
    const one = question(rig, { ...draft, experimentId, prompt: 'One' })
    const first = await rig.models.ask(one, null)
    const asked = server.asked.length
    const unused = unusedOf(await rig.ledger.list(experimentId), emptyJournal(3))
    const replies = [
      await rig.models.ask({ ...one, prompt: 'Another' }, unused),
      await rig.models.ask({ ...one, step: 2 }, unused),
      await rig.models.ask(one, unused),
      await rig.models.ask(one, unused),
    ]
    expect(replies.map(({ call }) => call === first.call)).toEqual([false, false, true, false])
    expect(replies[2]).toMatchObject(first)
    expect(server.asked.length - asked).toBe(3)
    expect(await rig.ledger.list(experimentId)).toHaveLength(4)
  })

  test.each([
    ['a program that became a node', draft, 'running', false],
    ['a review of a node that runs', { operator: 'review', role: 'review' }, 'running', true],
    [
      'a review of a node that is finished',
      { operator: 'review', role: 'review' },
      'finished',
      false,
    ],
    ['a report', { operator: 'report', role: 'report' }, 'finished', false],
  ] as const)('%s', async (_name, operator, state, isUnused) => {
    const experimentId = await rig.another()
    const asked = question(rig, { ...operator, experimentId })
    const { call } = await rig.models.ask(asked, null)
    const journal = nodeWith(operator.operator === 'draft' ? [call] : [], state)
    const unused = unusedOf(await rig.ledger.list(experimentId), journal)
    expect(unused.next(asked)?.call ?? null).toBe(isUnused ? call : null)
  })

  test('what was not made use of is no part of a replay', async () => {
    const experimentId = await rig.another()
    const asked = question(rig, { ...draft, experimentId })
    const lost = await rig.models.ask(asked, null)
    const made = await rig.models.ask(asked, null)
    const journal = nodeWith([made.call], 'finished')
    const replay = replayOf(await rig.ledger.list(experimentId), journal)
    expect([replay.next(asked)?.call, replay.next(asked)]).toEqual([made.call, null])
    expect(lost.call).not.toBe(made.call)
  })
})
