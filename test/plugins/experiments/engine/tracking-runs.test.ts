/** An experiment as a tracking run: its scores by step, and how it stands, in the real tracking. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import * as steering from '../../../../plugins/experiments/engine/steering.ts'
import { readExperiment } from '../../../../plugins/experiments/rows.ts'
import { TrackingRuns } from '../../../../plugins/experiments/tracking-runs.ts'
import trackingPlugin from '../../../../plugins/tracking/index.ts'
import type { Tracking } from '../../../../plugins/tracking/service.ts'
import { silentLogger } from '../../../../src/kernel/log.ts'
import { definePlugin } from '../../../../src/sdk.ts'
import { type PluginUnderTest, testPlugin } from '../../../../src/testing.ts'
import { drawing, type Lab, migrated, openLab, owner } from './lab.ts'
import { asItSays, held } from './scripted-jobs.ts'

let server: PluginUnderTest
let tracking: Tracking

beforeAll(async () => {
  const plugin = definePlugin({
    ...trackingPlugin,
    async setup(ctx) {
      const parts = await trackingPlugin.setup(ctx as never)
      tracking = (parts.services as { tracking: Tracking }).tracking
      return parts as never
    },
  })
  server = await testPlugin(plugin)
  await migrated(server.db)
})
afterAll(() => server.stop())

const follow = ({ db, store }: Lab): TrackingRuns =>
  new TrackingRuns({
    ...{ db, store, tracking, clock: server.clock, log: silentLogger },
    find: (id) => readExperiment(db, id),
    ownerOf: async () => owner,
  })

const scores = [0.25, 0.75, 0.5]

const open = async (): Promise<Lab> => {
  const lab = await openLab({ db: server.db })
  lab.proposer = {
    ...drawing,
    async propose({ kind }, { step }) {
      const code = JSON.stringify({ score: scores[step - 1] ?? 0.9, fails: step === 4 })
      return { plan: kind, code, author: 'script', calls: [] }
    },
  }
  return lab
}

const curve = async (runId: number, name: string) => {
  const found = await tracking.points.history(runId, name)
  return Array.from(found?.steps ?? [], (step, i) => [Number(step), found!.values[i]])
}

test('its scores are curves by step, told once whatever process tells them', async () => {
  await using lab = await open()
  const runs = follow(lab)
  const id = await lab.add({ steps: 4, settings: { seed: 9, reruns: 0 } })
  await lab.engine.begin(id)
  await lab.ended(id)
  await runs.stop()
  const { runId } = await lab.get(id)
  const told = async () => ({
    run: await tracking.runs.readable(owner, runId!),
    metric: await curve(runId!, 'metric'),
    best: await curve(runId!, 'best_metric'),
    buggy: await curve(runId!, 'buggy'),
  })
  const first = await told()
  expect(first).toMatchObject({
    run: { name: 'Experiment', status: 'completed', tags: ['experiment'] },
    metric: [
      [1, 0.25],
      [2, 0.75],
      [3, 0.5],
    ],
    best: [
      [1, 0.25],
      [2, 0.75],
      [3, 0.75],
      [4, 0.75],
    ],
    buggy: [
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 1],
    ],
  })
  // The next process reads all that was ever stored: what was told stays as it is.
  const again = follow(lab)
  await lab.steer(id, steering.extend(1))
  await lab.engine.begin(id)
  await lab.when(id, ({ nodes, final }) => nodes.length === 5 && final !== null)
  await again.stop()
  const { metric, run } = await told()
  expect(metric).toEqual([...first.metric, [5, 0.9]])
  expect([run.id, run.status]).toEqual([first.run.id, 'completed'])
})

test('a stop kills its run, a start brings it back', async () => {
  await using lab = await open()
  const runs = follow(lab)
  lab.jobs.outcome = held
  const id = await lab.add({ steps: 1, settings: { reruns: 0 } })
  const status = async () => {
    await runs.stop()
    return (await tracking.runs.readable(owner, (await lab.get(id)).runId!)).status
  }
  await lab.engine.begin(id)
  await lab.whenJobs((jobs) => jobs.running(id).length === 1)
  expect(await status()).toBe('running')
  await lab.engine.end(id)
  expect(await status()).toBe('killed')
  lab.jobs.outcome = asItSays
  await lab.engine.begin(id)
  await lab.when(id, ({ final }) => final !== null)
  expect(await status()).toBe('completed')
})

test('a run is alive while its experiment runs, and no longer when that is deleted', async () => {
  await using lab = await open()
  const runs = follow(lab)
  runs.start()
  lab.jobs.outcome = held
  const id = await lab.add({ steps: 1 })
  await lab.engine.begin(id)
  await lab.whenJobs((jobs) => jobs.running(id).length === 1)
  await lab.when(id, ({ nodes }) => nodes[0]?.state === 'running')
  const runId = (await untilRun(lab, id))!
  const status = async () => {
    for (let minute = 0; minute < 20; minute++) server.clock.advance(60_000)
    await tracking.state.flush()
    return (await tracking.runs.readable(owner, runId)).status
  }
  expect(await status()).toBe('running')
  await lab.remove(id)
  await runs.stop()
  expect(await status()).not.toBe('running')
})

const untilRun = async (lab: Lab, id: string): Promise<number | null> => {
  const { runId } = await lab.get(id)
  return runId ?? untilRun(lab, id)
}
