/** The end of an experiment: what is delivered is chosen by rows that no program was chosen by. */
import { expect, test } from 'bun:test'
import * as steering from '../../../../plugins/experiments/engine/steering.ts'
import { submissionPath } from '../../../../plugins/experiments/engine/judge.ts'
import type { Run } from '../../../../plugins/experiments/journal/node.ts'
import type { StepRequest } from '../../../../plugins/experiments/execution/executor.ts'
import { readTruth } from '../../../../plugins/experiments/scoring/truth.ts'
import { randomFrom } from '../../../../plugins/experiments/search/random.ts'
import { drawing, type Lab, openLab } from './lab.ts'

/** What a scripted program is good for, and what it says of itself. */
interface Skill {
  /** Share of the rows of each part that it has right. */
  readonly search: number
  readonly selection: number
  readonly claims?: number
  /** Whether its mistakes depend on the seed. */
  readonly isSteady?: boolean
  readonly fails?: boolean
}

const table = ['a,y', ...Array.from({ length: 600 }, (_, i) => `${i},${i % 2 ? 'yes' : 'no'}`)]

const settings = {
  ...{ target: 'y', metric: 'accuracy', ensemble: false, workers: 2 },
  search: { numDrafts: 20 },
}

/** Leaves predictions as good as the program says, of rows that it knows of by magic. */
const predicting =
  (lab: Lab) =>
  async ({ code, attempt, node, env, experimentId }: StepRequest): Promise<Partial<Run>> => {
    const skill = JSON.parse(code) as Skill
    if (skill.fails && env['HEARTH_SEED']) return { failure: 'exception', exitCode: 1 }
    const { prepared } = await lab.get(experimentId)
    const { ids, target, isSelection } = await readTruth(
      (await lab.blobs.get(prepared!.truth.sha256))!,
    )
    const random = randomFrom(Bun.hash.crc32(skill.isSteady ? node : attempt), 0)
    const lines = ids.map((id, row) => {
      const isRight = random() < (isSelection[row] === 1 ? skill.selection : skill.search)
      return `${id},${prepared!.classes[isRight ? target[row]! : 1 - target[row]!]}`
    })
    const text = [prepared!.submissionColumns.join(), ...lines, ''].join('\n')
    const head = String(skill.claims ?? '')
    const kept = await lab.blobs.put(new Blob([text]).stream())
    return {
      exitCode: 0,
      output: { head, tail: '', omittedBytes: 0, totalBytes: head.length },
      artifacts: [{ path: submissionPath, ...kept }],
    }
  }

/** An experiment whose programs, in this order, are as good as that. */
const open = async (skills: readonly Skill[], more: object = {}) => {
  const lab = await openLab()
  lab.jobs.outcome = predicting(lab)
  lab.proposer = {
    ...drawing,
    async propose(_action, { step }) {
      return { plan: '', code: JSON.stringify(skills[step - 1]), author: 'script', calls: [] }
    },
    async review(_node, { output }) {
      const metric = output.head === '' ? null : Number(output.head)
      return { isBug: false, summary: 'read', metric, lowerIsBetter: false, calls: [] }
    },
  }
  const id = await lab.add({
    steps: skills.length,
    settings: { ...settings, ...more },
    files: { 'train.csv': `${table.join('\n')}\n` },
  })
  return { lab, id }
}

test('what fits the search part only is found out on the selection part', async () => {
  const { lab, id } = await open([
    { search: 1, selection: 0.5 },
    { search: 0.9, selection: 0.9 },
    { search: 0.6, selection: 0.6 },
    { search: 0.4, selection: 1 },
  ])
  await using _ = lab
  await lab.engine.begin(id)
  const { nodes, final } = await lab.ended(id)
  const byScore = nodes.toSorted((a, b) => b.verdict!.metric! - a.verdict!.metric!)
  expect(byScore.map((node) => node.id)).toEqual(['node_1', 'node_2', 'node_3', 'node_4'])
  expect(final?.best).toBe('node_2')
  expect(final?.isWithinNoise).toBe(false)
  expect(final?.finalists.map(({ node }) => node)).toEqual(['node_2', 'node_3', 'node_1'])
  expect(final?.explanation).toContain(
    'the best of 3 finalists on rows that no program and no search has seen the targets of',
  )
  expect(final?.explanation).toContain('is more than the noise')
})

test('finalists run again with three seeds, as many at once as there are workers', async () => {
  const { lab, id } = await open(Array(4).fill({ search: 0.8, selection: 0.8 }))
  await using _ = lab
  await lab.engine.begin(id)
  const { final } = await lab.ended(id)
  const again = [...lab.jobs.all.values()]
    .filter(({ request }) => request.attempt.includes('+'))
    .map(({ request: { attempt, env } }) => `${attempt} ${env['HEARTH_SEED']}`)
  const named = final!.finalists.map(({ node }) => node)
  expect(again.toSorted()).toEqual(
    named.flatMap((node) => [1, 2, 3].map((seed) => `${node}+seed${seed} ${seed}`)).toSorted(),
  )
  expect(lab.jobs.most.get(id)).toBe(2)
  expect(final?.finalists.map(({ reruns }) => reruns.length)).toEqual([3, 3, 3])
  for (const { interval, metric } of final!.finalists) {
    expect(interval![0]).toBeLessThan(metric!)
    expect(interval![1]).toBeGreaterThan(metric!)
  }
  // All four are equally good: whoever leads does so by chance.
  expect(final?.isWithinNoise).toBe(true)
  expect(final?.explanation).toMatch(/Its lead of [\d.e-]+ over the next, node_\d, is within/)
})

test('a program that claims 0.9999 for random predictions ranks last, and is named', async () => {
  const { lab, id } = await open([
    { search: 0.75, selection: 0.75, claims: 0.76 },
    { search: 0.5, selection: 0.5, claims: 0.9999 },
    { search: 0.9, selection: 0.9, claims: 0.88 },
  ])
  await using _ = lab
  await lab.engine.begin(id)
  const { nodes, final } = await lab.ended(id)
  expect(final?.finalists.map(({ node }) => node)).toEqual(['node_3', 'node_1', 'node_2'])
  const cheater = nodes[1]!.verdict!
  expect(cheater).toMatchObject({ metricSource: 'server', reportedMetric: 0.9999, isBuggy: false })
  expect(nodes.map(({ verdict }) => verdict!.warnings)).toEqual([
    [],
    [expect.stringMatching(/^The program claims 0.9999; its predictions come to 0\.\d+ \(95 %/)],
    [],
  ])
})

test('a rerun that fails says nothing, and the choice is made all the same', async () => {
  const { lab, id } = await open([
    { search: 0.7, selection: 0.7, fails: true },
    { search: 0.95, selection: 0.95, fails: true },
  ])
  await using _ = lab
  await lab.engine.begin(id)
  const { final } = await lab.ended(id)
  expect(final?.best).toBe('node_2')
  expect(final?.finalists.map(({ reruns }) => reruns)).toEqual([[], []])
})

test('reruns that a stop cancelled are made later; those that ended are kept', async () => {
  const { lab, id } = await open([{ search: 0.8, selection: 0.8 }])
  await using _ = lab
  const outcome = lab.jobs.outcome
  lab.jobs.outcome = async (request) =>
    request.attempt === 'node_1+seed2' ? 'held' : outcome(request)
  await lab.engine.begin(id)
  await lab.whenJobs((jobs) => jobs.all.has(`${id}/node_1+seed3`) && jobs.running(id).length === 1)
  await lab.engine.end(id)
  expect([(await lab.get(id)).status, lab.jobs.running(id)]).toEqual(['stopped', []])
  await lab.engine.begin(id)
  const { final } = await lab.when(id, (journal) => journal.final !== null)
  expect(final?.finalists[0]?.reruns).toHaveLength(3)
  expect([...lab.jobs.all.values()].map(({ request }) => request.attempt)).toEqual([
    'node_1',
    'node_1+seed1',
    'node_1+seed2',
    'node_1+seed3',
    'node_1+seed2~1',
  ])
})

test('a blend that is better than every program is one more step, and is delivered', async () => {
  const skills = Array(5).fill({ search: 0.75, selection: 0.75 })
  const { lab, id } = await open(skills, { ensemble: true, reruns: 0 })
  await using _ = lab
  await lab.engine.begin(id)
  const { nodes, final, totalSteps } = await lab.ended(id)
  expect([nodes.length, totalSteps, final?.best, nodes[5]?.stage]).toEqual([
    6,
    6,
    'node_6',
    'ensemble',
  ])
  expect(nodes[5]!.verdict!.selectionMetric!).toBeGreaterThan(
    Math.max(...nodes.slice(0, 5).map(({ verdict }) => verdict!.selectionMetric!)),
  )
  const report = await new Response(await lab.blobs.get(final?.report?.sha256 ?? '')).text()
  expect(report).toContain('at step 6')
  await lab.steer(id, steering.extend(1))
  lab.proposer = {
    ...lab.proposer,
    propose: async () => ({
      ...{ plan: '', author: 'script', calls: [] },
      code: JSON.stringify({ search: 0.99, selection: 0.99 }),
    }),
  }
  await lab.engine.begin(id)
  const after = await lab.when(id, (now) => now.nodes.length >= 7 && now.final !== null)
  expect(after.final?.best).toBe('node_7')
})

test('nothing that can be scored is said as such', async () => {
  const { lab, id } = await open([{ search: 0.5, selection: 0.5 }])
  await using _ = lab
  lab.jobs.outcome = async () => ({ exitCode: 0 })
  await lab.engine.begin(id)
  const { nodes, final } = await lab.ended(id)
  expect([nodes[0]?.verdict?.failure, final?.best, final?.explanation]).toEqual([
    'no_predictions',
    null,
    'No program gave a result that could be scored.',
  ])
})
