/** The loop of one experiment: every step is taken, none waits for another, and all repeats. */
import { expect, test } from 'bun:test'
import { isGood } from '../../../../plugins/experiments/journal/good.ts'
import { drawing, openLab, settled, treeOf } from './lab.ts'
import { held } from './scripted-jobs.ts'

test('an experiment has exactly its steps, and delivers the best of them', async () => {
  await using lab = await openLab()
  const id = await lab.add({ steps: 12, settings: { seed: 3 } })
  await lab.engine.begin(id)
  const journal = await lab.ended(id)
  expect(journal.nodes.map(({ step, state }) => [step, state])).toEqual(
    Array.from({ length: 12 }, (_, i) => [i + 1, 'finished']),
  )
  const scores = journal.nodes.filter(isGood).map(({ verdict }) => verdict!.metric!)
  const best = journal.nodes.find(({ id: node }) => node === journal.final?.best)
  expect(best?.verdict?.metric).toBe(Math.max(...scores))
  expect(await lab.get(id)).toMatchObject({
    status: 'completed',
    finishedSteps: 12,
    bestNode: best?.id,
    bestMetric: best?.verdict?.metric,
    maximize: true,
  })
})

test('one worker and one seed give one tree, another seed another', async () => {
  await using lab = await openLab()
  const grown = async (seed: number, policy: string) => {
    const id = await lab.add({ steps: 15, settings: { seed, policy } })
    await lab.engine.begin(id)
    return treeOf(await lab.ended(id))
  }
  for (const policy of ['greedy', 'uct', 'evolution']) {
    const first = await grown(7, policy)
    expect(await grown(7, policy)).toEqual(first)
    expect(await grown(8, policy)).not.toEqual(first)
  }
})

test('a worker that is free takes the next program, however long others take', async () => {
  await using lab = await openLab()
  const slow = ['node_1', 'node_2']
  lab.jobs.outcome = async ({ node }) => (slow.includes(node) ? 'held' : { exitCode: 0 })
  const id = await lab.add({ steps: 9, settings: { workers: 3 } })
  await lab.engine.begin(id)
  const before = await lab.when(
    id,
    ({ nodes }) => nodes.filter(({ state }) => state === 'finished').length === 7,
  )
  expect(before.nodes.slice(0, 2).map(({ state }) => state)).toEqual(['running', 'running'])
  for (const node of slow) lab.jobs.job(id, node).end()
  expect((await lab.ended(id)).nodes.map(({ state }) => state)).toEqual(Array(9).fill('finished'))
  expect(lab.jobs.most.get(id)).toBe(3)
})

test('two workers have the next program written while both run; one worker waits', async () => {
  await using lab = await openLab()
  lab.jobs.outcome = held
  const ids = await Promise.all([1, 2].map((workers) => lab.add({ settings: { workers } })))
  for (const id of ids) await lab.engine.begin(id)
  await settled()
  const states = await Promise.all(
    ids.map(async (id) => (await lab.store.load(id)).nodes.map(({ state }) => state)),
  )
  expect(states).toEqual([['running'], ['running', 'running', 'ready']])
})

test('a proposal without a program uses its step up, and says why', async () => {
  await using lab = await openLab({
    proposer: {
      ...drawing,
      propose: async () => ({ plan: '', code: '', problem: 'Words', author: 'a', calls: [] }),
    },
  })
  const id = await lab.add({ steps: 2 })
  await lab.engine.begin(id)
  const { nodes, final } = await lab.ended(id)
  expect(nodes.map(({ verdict }) => [verdict?.failure, verdict?.analysis])).toEqual([
    ['no_code', 'Words'],
    ['no_code', 'Words'],
  ])
  expect(final?.best).toBeNull()
  expect(lab.jobs.all.size).toBe(0)
})

test('the direction of the first review counts; a reviewer who turns it is named', async () => {
  await using lab = await openLab({
    proposer: {
      ...drawing,
      review: async ({ step }, { output }) => ({
        isBug: false,
        summary: 'read',
        metric: Number(output.head),
        lowerIsBetter: step > 1,
        calls: [],
      }),
    },
  })
  const output = { head: '1', tail: '', omittedBytes: 0, totalBytes: 1 }
  lab.jobs.outcome = async () => ({ output })
  const id = await lab.add({ steps: 2 })
  await lab.engine.begin(id)
  const { maximize, nodes } = await lab.ended(id)
  expect([maximize, nodes.map(({ verdict }) => verdict?.warnings)]).toEqual([
    true,
    [[], ['The reviewer now says that lower is better; the direction of the first review counts']],
  ])
})

test('a failing proposer ends the experiment, cancels what runs, and is told', async () => {
  await using lab = await openLab()
  lab.jobs.outcome = held
  const id = await lab.add({ settings: { workers: 2 } })
  lab.proposer = {
    ...drawing,
    async propose(action, context) {
      if (context.step < 3) return drawing.propose(action, context)
      await lab.whenJobs((jobs) => jobs.running(id).length === 2)
      throw Object.assign(new Error('Nobody answers'), { code: 'TIMEOUT_ERROR' })
    },
  }
  await lab.engine.begin(id)
  const { nodes } = await lab.ended(id)
  expect(await lab.get(id)).toMatchObject({
    status: 'failed',
    error: { code: 'TIMEOUT_ERROR', message: 'Nobody answers' },
  })
  expect(nodes.map(({ state }) => state)).toEqual(['ready', 'ready'])
  expect(lab.jobs.running()).toEqual([])
  lab.proposer = drawing
  lab.jobs.outcome = async () => ({ exitCode: 0 })
  await lab.engine.begin(id)
  expect((await lab.when(id, ({ final }) => final !== null)).nodes).toHaveLength(5)
})

test('fifty experiments at once all have exactly their steps', async () => {
  await using lab = await openLab()
  const ids = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      lab.add({ steps: 6, settings: { seed: i, workers: 1 + (i % 4), reruns: 0 } }),
    ),
  )
  await Promise.all(ids.map((id) => lab.engine.begin(id)))
  const journals = await Promise.all(ids.map((id) => lab.ended(id)))
  expect(journals.map(({ nodes }) => nodes.map(({ state }) => state))).toEqual(
    ids.map(() => Array(6).fill('finished')),
  )
  expect(ids.filter((id, i) => lab.jobs.most.get(id)! > 1 + (i % 4))).toEqual([])
  expect(lab.jobs.all.size).toBe(300)
}, 15_000)
