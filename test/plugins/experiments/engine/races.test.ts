/** Starts, stops and deletions in any phase and in any order. */
import { expect, test } from 'bun:test'
import * as steering from '../../../../plugins/experiments/engine/steering.ts'
import type { NodeState } from '../../../../plugins/experiments/journal/node.ts'
import type { Proposer } from '../../../../plugins/experiments/propose/proposer.ts'
import { randomFrom } from '../../../../plugins/experiments/search/random.ts'
import { HearthError, sql } from '../../../../src/sdk.ts'
import { drawing, type Lab, openLab, settled } from './lab.ts'
import { asItSays, held, ScriptedJobs } from './scripted-jobs.ts'

/** Work of a proposer that only an abort ends. */
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = () => reject(new Error('The call was cancelled'))
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })

interface Phase {
  readonly outcome?: ScriptedJobs['outcome']
  readonly proposer?: Partial<Proposer>
  readonly packages?: ScriptedJobs['packages']
  /** Until it is there. */
  reached(lab: Lab, id: string): Promise<unknown>
  /** Nodes afterwards. */
  readonly states: readonly NodeState[]
}

const never = new Promise<never>(() => undefined)

const phases: Readonly<Record<string, Phase>> = {
  'it begins': { reached: async () => undefined, states: [] },
  'an environment is built': { packages: () => never, reached: settled, states: [] },
  'a program is written': {
    proposer: { propose: (_action, { signal }) => untilAborted(signal) },
    reached: settled,
    states: [],
  },
  'a program runs': {
    outcome: held,
    reached: (lab, id) => lab.whenJobs((jobs) => jobs.running(id).length === 1),
    states: ['ready'],
  },
  'a program is reviewed': {
    proposer: { review: (_node, _run, { signal }) => untilAborted(signal) },
    reached: settled,
    states: ['running'],
  },
  'a report is written': {
    proposer: { report: ({ signal }) => untilAborted(signal) },
    reached: settled,
    states: ['finished'],
  },
}

test.each(Object.keys(phases))('a stop while %s ends it, and it can go on', async (name) => {
  const phase = phases[name]!
  await using lab = await openLab({ proposer: { ...drawing, ...phase.proposer } })
  if (phase.outcome) lab.jobs.outcome = phase.outcome
  const packages = lab.jobs.packages
  if (phase.packages) lab.jobs.packages = phase.packages
  const id = await lab.add({ steps: 1, settings: { reruns: 0 } })
  await lab.engine.begin(id)
  await phase.reached(lab, id)
  await lab.engine.end(id)
  expect(await lab.get(id)).toMatchObject({ status: 'stopped', error: null })
  const stopped = await lab.store.load(id)
  expect(stopped.nodes.map(({ state }) => state)).toEqual([...phase.states])
  expect(lab.jobs.running()).toEqual([])
  await settled()
  expect((await lab.store.load(id)).version).toBe(stopped.version)
  lab.proposer = drawing
  lab.jobs.packages = packages
  lab.jobs.outcome = asItSays
  await lab.engine.begin(id)
  const { nodes } = await lab.when(id, ({ final }) => final !== null)
  expect(nodes.map(({ state }) => state)).toEqual(['finished'])
})

test.each(Object.keys(phases))('a deletion while %s leaves nothing', async (name) => {
  const phase = phases[name]!
  await using lab = await openLab({ proposer: { ...drawing, ...phase.proposer } })
  if (phase.outcome) lab.jobs.outcome = phase.outcome
  if (phase.packages) lab.jobs.packages = phase.packages
  const id = await lab.add({ steps: 1 })
  await lab.engine.begin(id)
  await phase.reached(lab, id)
  await lab.remove(id)
  expect(lab.jobs.running()).toEqual([])
  await nothingOf(lab, id)
  await settled()
  await nothingOf(lab, id)
})

const nothingOf = async (lab: Lab, id: string): Promise<void> => {
  for (const table of ['event', 'input', 'lease', 'kept', 'call']) {
    const rows = await lab.db.rows(sql`
      select 1 from ${sql.identifier(`experiments_${table}`)} where experiment_id = ${id}`)
    expect([table, rows]).toEqual([table, []])
  }
  const rows = await lab.db.rows(sql`select 1 from experiments_experiment where id = ${id}`)
  expect(rows).toEqual([])
}

test('of many starts at once one counts; of many stops too', async () => {
  await using lab = await openLab()
  lab.jobs.outcome = held
  const id = await lab.add()
  const codes = async (works: Promise<unknown>[]) =>
    (await Promise.allSettled(works)).map((one) =>
      one.status === 'fulfilled' ? 'done' : (one.reason as HearthError).code,
    )
  const begun = await codes(Array.from({ length: 5 }, () => lab.engine.begin(id)))
  expect(begun).toEqual(['done', 'conflict', 'conflict', 'conflict', 'conflict'])
  await lab.whenJobs((jobs) => jobs.running(id).length === 1)
  const ended = await codes(Array.from({ length: 3 }, () => lab.engine.end(id)))
  expect(ended).toEqual(['done', 'conflict', 'conflict'])
  const gone = await codes([lab.remove(id), lab.engine.begin(id), lab.remove(id)])
  expect(gone).toEqual(['done', 'not_found', 'not_found'])
})

/** As long as the draw says, in turns of the event loop. */
const later = async (turns: number): Promise<void> => {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
}

test.each([1, 2, 3, 4, 5, 6])('whatever users do in any order, all is whole (%d)', async (seed) => {
  const random = randomFrom(seed, 0)
  const upTo = (n: number) => Math.floor(random() * n)
  await using lab = await openLab()
  lab.jobs.outcome = async (request) => {
    await later(upTo(4))
    return asItSays(request)
  }
  const ids = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      lab.add({ steps: 3 + upTo(6), settings: { seed: i, workers: 1 + upTo(3), reruns: 0 } }),
    ),
  )
  const human = steering.addNodes([
    { parents: [], stage: 'human', plan: '', code: '{"score":1}', author: 'ann' },
  ])
  const acts: readonly ((id: string) => Promise<unknown>)[] = [
    (id) => lab.engine.begin(id),
    (id) => lab.engine.begin(id),
    (id) => lab.engine.end(id),
    (id) => lab.steer(id, steering.pause),
    (id) => lab.steer(id, steering.resume),
    (id) => lab.steer(id, steering.extend(1)),
    (id) => lab.steer(id, human),
    (id) => lab.steer(id, steering.prune(`node_${1 + upTo(3)}`, random() < 0.5)),
  ]
  const refused: unknown[] = []
  const user = async (): Promise<void> => {
    for (let i = 0; i < 25; i++) {
      const id = ids[upTo(ids.length)]!
      const act = random() < 0.02 ? (gone: string) => lab.remove(gone) : acts[upTo(acts.length)]!
      await act(id).catch((error: unknown) => refused.push(error))
      await later(upTo(3))
    }
  }
  await Promise.all(Array.from({ length: 6 }, user))
  const codes = refused.map((one) => (one instanceof HearthError ? one.code : String(one)))
  expect(codes.filter((code) => code !== 'conflict' && code !== 'not_found')).toEqual([])
  for (const id of ids) await wholeAtTheEnd(lab, id)
})

/** Goes on to its end, if it is there: each step was taken once, and nothing else runs. */
const wholeAtTheEnd = async (lab: Lab, id: string): Promise<void> => {
  if (!(await lab.get(id).catch(() => null))) {
    await nothingOf(lab, id)
    return expect(lab.jobs.running(id)).toEqual([])
  }
  if ((await lab.get(id)).status === 'running') await lab.engine.end(id).catch(() => undefined)
  expect(lab.jobs.running(id)).toEqual([])
  await lab.steer(id, steering.extend(1))
  await lab.engine.begin(id)
  if ((await lab.store.load(id)).isPaused) await lab.steer(id, steering.resume)
  const { nodes, totalSteps } = await lab.when(id, ({ endedAt, final }) => {
    return endedAt !== null && final !== null
  })
  expect(nodes.map(({ step }) => step)).toEqual(Array.from({ length: totalSteps }, (_, i) => i + 1))
  expect(nodes.filter(({ state, isPruned }) => state !== 'finished' && !isPruned)).toEqual([])
  expect(lab.jobs.running(id)).toEqual([])
  expect((await lab.get(id)).status).toBe('completed')
}
