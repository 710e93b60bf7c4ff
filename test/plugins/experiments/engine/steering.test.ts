/** What users do to an experiment while it runs, before, and afterwards. */
import { expect, test } from 'bun:test'
import * as steering from '../../../../plugins/experiments/engine/steering.ts'
import { bestOf } from '../../../../plugins/experiments/journal/good.ts'
import type { HearthError } from '../../../../src/sdk.ts'
import { drawing, type Lab, openLab, settled } from './lab.ts'
import { asItSays, held } from './scripted-jobs.ts'

/** Status that a refusal answers with, and its words. */
const refusal = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    ({ code, message }: HearthError) => `${code}: ${message}`,
  )

const human = (code: object, parents: readonly string[] = []) =>
  steering.addNodes([
    { parents, stage: 'human', plan: 'mine', code: JSON.stringify(code), author: 'ann' },
  ])

const begun = async (lab: Lab, settings: object = {}, steps = 5): Promise<string> => {
  const id = await lab.add({ steps, settings: { ...settings } })
  await lab.engine.begin(id)
  return id
}

test('a pause before the start holds: nothing is written or run until it ends', async () => {
  await using lab = await openLab()
  const id = await lab.add({ steps: 3 })
  await lab.steer(id, steering.pause)
  await lab.engine.begin(id)
  await settled()
  const { isPaused, nodes } = await lab.store.load(id)
  expect([isPaused, nodes, lab.jobs.all.size]).toEqual([true, [], 0])
  await lab.steer(id, steering.resume)
  expect((await lab.ended(id)).nodes).toHaveLength(3)
})

test('a pause lets what runs end and begins nothing, until it is over', async () => {
  await using lab = await openLab()
  lab.jobs.outcome = held
  const id = await begun(lab, { workers: 2 }, 6)
  await lab.whenJobs((jobs) => jobs.running(id).length === 2)
  await lab.steer(id, steering.pause)
  lab.jobs.outcome = asItSays
  for (const job of lab.jobs.running(id)) job.end()
  await settled()
  const paused = await lab.store.load(id)
  expect(paused.nodes.map(({ state }) => state)).toEqual(['finished', 'finished', 'ready'])
  expect((await lab.get(id)).status).toBe('running')
  await lab.steer(id, steering.resume)
  expect((await lab.ended(id)).nodes).toHaveLength(6)
})

test('an end takes the pause away; then neither pause, resume nor approval is taken', async () => {
  await using lab = await openLab()
  const id = await begun(lab, { approve: true })
  await lab.when(id, ({ nodes }) => nodes.length === 1)
  await lab.steer(id, steering.pause)
  await lab.engine.end(id)
  expect(await lab.store.load(id)).toMatchObject({ isPaused: false, nodes: [{ state: 'waiting' }] })
  const refused = await Promise.all(
    [steering.pause, steering.resume, steering.approve('node_1', undefined)].map((decide) =>
      refusal(lab.steer(id, decide)),
    ),
  )
  expect(refused).toEqual([
    'conflict: The experiment has ended',
    'conflict: The experiment has ended; start it to go on',
    'conflict: The experiment has ended; start it to go on',
  ])
  await lab.engine.begin(id)
  await lab.steer(id, steering.approve('node_1', undefined))
  const { nodes } = await lab.when(id, (now) => now.nodes[0]?.state === 'finished')
  expect(nodes[0]?.requeues).toBe(0)
})

test('programs wait for approval, and run as they were approved', async () => {
  await using lab = await openLab()
  const id = await begun(lab, { approve: true, workers: 1, reruns: 0 }, 2)
  await lab.when(id, ({ nodes }) => nodes[0]?.state === 'waiting')
  await settled()
  expect(lab.jobs.all.size).toBe(0)
  expect(await refusal(lab.steer(id, steering.approve('node_9', undefined)))).toBe(
    'not_found: There is no node node_9',
  )
  await lab.steer(id, steering.approve('node_1', '{"score":2}'))
  expect(await refusal(lab.steer(id, steering.approve('node_1', undefined)))).toBe(
    'conflict: node_1 does not wait for approval',
  )
  await lab.when(id, ({ nodes }) => nodes[1]?.state === 'waiting')
  await lab.steer(id, steering.approve('node_2', undefined))
  const { nodes } = await lab.ended(id)
  expect(nodes.map(({ code, verdict }) => [JSON.parse(code).score, verdict?.metric])).toEqual(
    [2, JSON.parse(nodes[1]!.code).score].map((score, i) => [
      score,
      nodes[i]!.verdict!.isBuggy ? null : score,
    ]),
  )
})

test('a program that is pruned while it waits never runs, and holds nothing up', async () => {
  await using lab = await openLab()
  const id = await begun(lab, { approve: true }, 1)
  await lab.when(id, ({ nodes }) => nodes[0]?.state === 'waiting')
  await lab.steer(id, steering.prune('node_1', true))
  const { nodes, final } = await lab.ended(id)
  expect([nodes.map(({ state }) => state), final?.best, lab.jobs.all.size]).toEqual([
    ['waiting'],
    null,
    0,
  ])
})

test('a pinned node is what is improved; a pruned one and what comes of it never', async () => {
  await using lab = await openLab()
  const score = [0.1, 0.9, 0.5]
  lab.proposer = {
    ...drawing,
    async propose(action, { journal }) {
      const value = score[journal.nodes.length] ?? 0
      return { ...(await plain(action.kind)), code: JSON.stringify({ score: value }) }
    },
  }
  const settings = { approve: true, search: { numDrafts: 3, debugProb: 0 } }
  const id = await begun(lab, settings, 5)
  const approved = async (node: number) => {
    await lab.when(id, ({ nodes }) => nodes[node - 1]?.state === 'waiting')
    await lab.steer(id, steering.approve(`node_${node}`, undefined))
  }
  for (const node of [1, 2]) await approved(node)
  await lab.when(id, ({ nodes }) => nodes[1]?.state === 'finished')
  await lab.steer(id, steering.pin('node_1', true))
  await approved(3)
  await lab.when(id, ({ nodes }) => nodes.length === 4)
  await lab.steer(id, steering.prune('node_2', true))
  await lab.steer(id, steering.pin('node_1', false))
  for (const node of [4, 5]) await approved(node)
  const journal = await lab.ended(id)
  expect(journal.nodes.map(({ parents }) => parents)).toEqual([[], [], [], ['node_1'], ['node_3']])
  expect(bestOf(journal)?.id).toBe('node_3')
})

const plain = async (plan: string) => ({ plan, code: '{}', author: 'script', calls: [] })

test('what is written while its parent is pruned is left out with it', async () => {
  await using lab = await openLab()
  let writing: () => void = () => undefined
  const isWriting = new Promise<void>((resolve) => {
    writing = resolve
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  lab.proposer = {
    ...drawing,
    async propose(action, context) {
      if (action.kind === 'improve' && context.journal.nodes.length === 1) {
        writing()
        await promise
      }
      return { ...(await plain(action.kind)), code: '{"score":1}' }
    },
  }
  const id = await begun(lab, { search: { numDrafts: 1, debugProb: 0 } }, 3)
  await isWriting
  await lab.steer(id, steering.prune('node_1', true))
  resolve()
  const { nodes } = await lab.ended(id)
  expect(nodes.map(({ isPruned, state, stage }) => [stage, state, isPruned])).toEqual([
    ['draft', 'finished', true],
    ['improve', 'ready', true],
    ['draft', 'finished', false],
  ])
})

test('a program of a user runs on top of the steps, and is judged like any other', async () => {
  await using lab = await openLab()
  lab.jobs.outcome = held
  const id = await begun(lab, {}, 3)
  await lab.whenJobs((jobs) => jobs.running(id).length === 1)
  await lab.steer(id, human({ score: 5 }, ['node_1']))
  lab.jobs.outcome = asItSays
  lab.jobs.job(id, 'node_1').end()
  const { nodes, final, totalSteps } = await lab.ended(id)
  expect([nodes.length, totalSteps, final?.best]).toEqual([4, 4, 'node_2'])
  expect(nodes[1]).toMatchObject({
    stage: 'human',
    author: 'ann',
    plan: 'mine',
    parents: ['node_1'],
    verdict: { metric: 5, isBuggy: false },
  })
})

test('an experiment that is complete goes on with more steps, from where it was', async () => {
  await using lab = await openLab()
  const id = await begun(lab, { seed: 1 }, 3)
  const before = await lab.ended(id)
  expect(await refusal(lab.engine.begin(id))).toBe(
    'conflict: The experiment is complete; extend it to go on',
  )
  await lab.steer(id, steering.extend(2))
  expect((await lab.store.load(id)).final).toEqual(before.final)
  await lab.engine.begin(id)
  const after = await lab.when(id, ({ nodes, endedAt }) => nodes.length === 5 && endedAt !== null)
  expect(after.nodes.slice(0, 3)).toEqual([...before.nodes])
  const id5 = await begun(lab, { seed: 1 }, 5)
  const whole = await lab.ended(id5)
  expect(after.nodes.map(({ code }) => code)).toEqual(whole.nodes.map(({ code }) => code))
})

test('a branch goes on from its node alone', async () => {
  await using lab = await openLab()
  const id = await begun(lab, { seed: 5, search: { debugProb: 0, numDrafts: 4 } }, 6)
  const before = await lab.ended(id)
  const worst = before.nodes
    .filter(({ verdict }) => verdict?.isBuggy === false)
    .toSorted((a, b) => a.verdict!.metric! - b.verdict!.metric!)[0]!
  await lab.steer(id, steering.branch(worst.id, 2))
  await lab.engine.begin(id)
  const { nodes } = await lab.when(id, (now) => now.nodes.length === 8 && now.endedAt !== null)
  expect(nodes.slice(6).map(({ parents }) => parents)).toEqual([[worst.id], [worst.id]])
})

test('steps and programs that come while the end is made are not lost', async () => {
  await using lab = await openLab()
  const { promise, resolve } = Promise.withResolvers<void>()
  let ends = 0
  const asked = Promise.withResolvers<void>()
  lab.proposer = {
    ...drawing,
    async report() {
      ends += 1
      asked.resolve()
      await promise
      return `Report ${ends}`
    },
  }
  const id = await begun(lab, {}, 2)
  await asked.promise
  await lab.steer(id, steering.extend(1))
  await lab.steer(id, human({ score: 9 }))
  resolve()
  const { nodes, final } = await lab.ended(id)
  expect([nodes.map(({ stage }) => stage), final?.best, ends]).toEqual([
    ['draft', 'draft', 'human', 'draft'],
    'node_3',
    2,
  ])
  expect((await lab.get(id)).status).toBe('completed')
})

test('instructions reach the next program', async () => {
  await using lab = await openLab()
  const seen: (readonly string[])[] = []
  lab.proposer = {
    ...drawing,
    async propose(action, { journal }) {
      seen.push(journal.instructions)
      return plain(action.kind)
    },
  }
  lab.jobs.outcome = held
  const id = await begun(lab, {}, 2)
  await lab.whenJobs((jobs) => jobs.running(id).length === 1)
  await lab.steer(id, steering.instruct('Use trees'))
  lab.jobs.outcome = asItSays
  lab.jobs.job(id, 'node_1').end()
  await lab.ended(id)
  expect(seen).toEqual([[], ['Use trees']])
})
