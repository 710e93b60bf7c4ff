/** Budgets of time, tokens and money end an experiment cleanly. */
import { expect, test } from 'bun:test'
import * as steering from '../../../../plugins/experiments/engine/steering.ts'
import { drawing, type Lab, openLab, settled } from './lab.ts'
import { asItSays, held } from './scripted-jobs.ts'

/** Writes programs that cost something. */
const paying = (lab: Lab, inputTokens: number, usd: number) => ({
  ...drawing,
  async propose(...[action, context]: Parameters<typeof drawing.propose>) {
    const { experimentId, step } = context
    const call = await lab.ledger.write({
      ...{ experimentId, step, operator: action.kind, role: 'code', model: 'm', prompt: 'p' },
      ...{ reply: 'r', tool: null, inputTokens, outputTokens: 0, usd, latencyMs: 1, error: null },
    })
    return { ...(await drawing.propose(action, context)), calls: [call] }
  },
  report: async () => 'A report that costs',
})

test.each([
  [{ tokens: 250 }, 'Its budget of 250 tokens is used up: 300 were needed.'],
  [{ usd: 0.025 }, 'Its budget of 0.025 USD is used up: 0.0300 were spent.'],
])('%p ends the experiment after three calls', async (budget, note) => {
  await using lab = await openLab()
  lab.proposer = paying(lab, 100, 0.01)
  const id = await lab.add({ steps: 10, settings: { budget } })
  await lab.engine.begin(id)
  const { nodes, notes, final } = await lab.ended(id)
  expect(notes).toEqual([note])
  expect(nodes.map(({ code, state }) => [state, code !== ''])).toEqual([
    ['finished', true],
    ['finished', true],
    ['ready', true],
  ])
  expect(final?.explanation).toContain('finalist')
  expect(await lab.get(id)).toMatchObject({ status: 'completed', error: null })
  const report = await new Response(await lab.blobs.get(final!.report!.sha256)).text()
  expect(report).not.toContain('A report that costs')
})

test('a budget of time ends it while a program runs, and no program may take longer', async () => {
  await using lab = await openLab()
  lab.jobs.outcome = held
  const settings = { workers: 2, budget: { seconds: 60 }, exec: { timeoutS: 100 } }
  const id = await lab.add({ steps: 10, settings })
  await lab.engine.begin(id)
  await lab.whenJobs((jobs) => jobs.running(id).length === 2)
  lab.clock.advance(45_000)
  lab.jobs.job(id, 'node_1').end()
  await lab.whenJobs((jobs) => jobs.all.size === 3)
  const timeouts = [...lab.jobs.all.values()].map(({ request }) => request.timeoutMs)
  expect(timeouts).toEqual([60_000, 60_000, 15_000])
  lab.clock.advance(15_000)
  await settled()
  for (const job of lab.jobs.running(id)) job.end({ failure: 'timeout' })
  const { nodes, notes } = await lab.ended(id)
  expect(notes).toEqual(['Its budget of 60 seconds is used up.'])
  expect(nodes.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished', 'ready'])
  expect(lab.jobs.all.size).toBe(3)
})

test('only the time that it runs is counted: no pause, and nothing after a stop', async () => {
  await using lab = await openLab()
  lab.jobs.outcome = held
  const id = await lab.add({ steps: 2, settings: { budget: { seconds: 60 } } })
  await lab.engine.begin(id)
  await lab.whenJobs((jobs) => jobs.running(id).length === 1)
  lab.clock.advance(20_000)
  await lab.engine.end(id)
  lab.clock.advance(86_400_000)
  await lab.engine.begin(id)
  await lab.whenJobs((jobs) => jobs.running(id).length === 1)
  await lab.steer(id, steering.pause)
  lab.clock.advance(86_400_000)
  await lab.steer(id, steering.resume)
  lab.clock.advance(20_000)
  await settled()
  lab.jobs.outcome = asItSays
  for (const job of lab.jobs.running(id)) job.end()
  const { nodes, notes, ranMs } = await lab.when(id, ({ final }) => final !== null)
  expect([nodes.length, notes, ranMs]).toEqual([2, [], 40_000])
})
