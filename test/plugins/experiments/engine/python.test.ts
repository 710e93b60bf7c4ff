/** The engine with real programs: Python in a sandbox, each as a job of a node. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { submissionPath } from '../../../../plugins/experiments/engine/judge.ts'
import { openDatabase } from '../../../../src/storage/open.ts'
import { openRig, type Rig } from '../execution/rig.ts'
import { drawing, type Lab, type LabOptions, migrated, openLab, settled } from './lab.ts'

let rig: Rig
beforeAll(async () => {
  rig = await openRig()
}, 60_000)
afterAll(() => rig?.[Symbol.asyncDispose]())

/** Whether `y` is 1 follows from `a`, but for every tenth row; `copy` gives it away. */
const rows = Array.from({ length: 300 }, (_, i) => {
  const a = (i * 37) % 100
  const y = Number(a >= 50) ^ Number(i % 10 === 0)
  return `${a},${y * 2 + 5},${y}`
})
const files = { 'train.csv': ['a,copy,y', ...rows, ''].join('\n') }

/** Writes what `predict` says of each row. */
const program = (predict: string, claim = '0.5', before = ''): string => `
import csv, os, random
random.seed(int(os.environ["HEARTH_SEED"]))
${before}
test = list(csv.DictReader(open("input/test.csv")))
assert all("y" not in row for row in test)
with open("working/submission.csv", "w") as file:
    out = csv.writer(file)
    out.writerow(["row_id", "y"])
    for row in test:
        out.writerow([row["row_id"], ${predict}])
print("Validation accuracy:", ${claim})
`

const honest = program('int(float(row["a"]) >= 50)', '0.9')
const cheater = program('random.choice([0, 1])', '0.9999')

const settings = { target: 'y', metric: 'accuracy', ensemble: false, search: { numDrafts: 20 } }

const openReal = async (codes: readonly string[], more: LabOptions = {}): Promise<Lab> => {
  const { executor, blobs } = rig
  const proposer = {
    ...drawing,
    async propose(_action: unknown, { step }: { step: number }) {
      return { plan: '', code: codes[step - 1] ?? '', author: 'script', calls: [] }
    },
    async review(_node: unknown, { output }: { output: { head: string } }) {
      const text = /^Validation accuracy: (.*)$/m.exec(output.head)?.[1]
      const metric = text === undefined ? null : Number(text)
      return { isBug: false, summary: 'read', metric, lowerIsBetter: false, calls: [] }
    },
  }
  return openLab({ executor, blobs, proposer, ...more })
}

test('a cheater ranks last, whatever it prints; the best holds on hidden rows', async () => {
  const poor = program('int(float(row["a"]) >= 20)', '0.6')
  await using lab = await openReal([cheater, honest, poor])
  const id = await lab.add({ steps: 3, files, settings: { ...settings, workers: 4 } })
  await lab.engine.begin(id)
  const { nodes, final } = await lab.ended(id)
  expect(nodes.map(({ verdict }) => verdict?.failure)).toEqual([null, null, null])
  expect(final?.finalists.map(({ node }) => node)).toEqual(['node_2', 'node_3', 'node_1'])
  expect(final?.finalists.map(({ reruns }) => reruns.length)).toEqual([3, 3, 3])
  const [random, rule] = nodes.map(({ verdict }) => verdict!)
  expect(random).toMatchObject({ metricSource: 'server', reportedMetric: 0.9999 })
  expect(random!.metric!).toBeLessThan(0.75)
  expect(random!.warnings.join()).toContain('The program claims 0.9999')
  // The rule is wrong of every tenth row, wherever they went.
  expect(Math.abs(rule!.metric! - 0.9)).toBeLessThan(0.12)
  expect(Math.abs(rule!.selectionMetric! - 0.9)).toBeLessThan(0.12)
  expect(rule!.warnings).toEqual([])
}, 60_000)

const same = 'All predictions of "y" are the same.'

test('what leaks is named with its line', async () => {
  const fitted = 'class S:\n    def fit_transform(self, x): return x\ntrain_test_split = id'
  const leaks = [
    program('int(float(row["copy"]) > 6)'),
    program('row["copy"] and 1'),
    program('int(float(row["a"]) >= 50)', '0.9', `features = ["a", "y"]`),
    program('1', '0.5', `${fitted}\nS().fit_transform(1)\ntrain_test_split(1)`),
    program('1', '0.5', 'try:\n    open("/etc/passwd")\nexcept OSError: pass'),
  ]
  await using lab = await openReal(leaks)
  const more = { ...settings, reruns: 0, workers: 4 }
  const id = await lab.add({ steps: leaks.length, files, settings: more })
  await lab.engine.begin(id)
  const { nodes } = await lab.ended(id)
  expect(nodes.map(({ verdict }) => [verdict?.failure, verdict?.warnings])).toEqual([
    [null, ['Every prediction is right: look for a leak of the target.']],
    [null, [same]],
    [null, ['Line 4: the target seems to be among the features.']],
    [null, [expect.stringMatching(/^Line \d+: a transformer is fit/), same]],
    [null, [expect.stringMatching(/^Line \d+: a file outside/), same]],
  ])
  const { prepared } = await lab.get(id)
  expect(prepared?.notes?.join()).toContain('copy')
}, 60_000)

test('a stop ends a program at once that would never end, and a start begins it anew', async () => {
  const endless = 'import time\nprint("begun", flush=True)\nwhile True: time.sleep(1)'
  await using lab = await openReal([endless])
  const id = await lab.add({ steps: 1, settings: { exec: { timeoutS: 600 } } })
  await lab.engine.begin(id)
  await lab.when(id, ({ nodes }) => nodes[0]?.state === 'running')
  const begun = performance.now()
  await lab.engine.end(id)
  expect(performance.now() - begun).toBeLessThan(5_000)
  const { nodes } = await lab.store.load(id)
  expect(nodes.map(({ state, requeues }) => [state, requeues])).toEqual([['ready', 1]])
  await lab.engine.begin(id)
  const again = await lab.when(id, (now) => now.nodes[0]?.state === 'running')
  expect(again.nodes[0]?.requeues).toBe(1)
  await lab.remove(id)
  expect(await lab.get(id).catch(({ code }) => code)).toBe('not_found')
}, 60_000)

test('the next server takes up the program that runs; it is not run twice', async () => {
  const db = await migrated(await openDatabase({ dataDir: ':memory:' }))
  // Ends when it is told to by the clock of its machine only.
  const slow = `import time\ntime.sleep(1)\nopen("${submissionPath}", "w").write("x")`
  const before = await openReal([slow], { db })
  const id = await before.add({ steps: 1, settings: { reruns: 0 } })
  await before.engine.begin(id)
  const { nodes } = await before.when(id, (now) => now.nodes[0]?.state === 'running')
  await before.engine.stop()
  await using after = await openReal([slow], { db })
  await after.engine.start()
  const journal = await after.ended(id)
  expect(journal.nodes.map(({ jobId, requeues, run }) => [jobId, requeues, run?.failure])).toEqual([
    [nodes[0]!.jobId, 0, null],
  ])
  expect(journal.nodes[0]?.run?.artifacts.map(({ path }) => path)).toEqual([submissionPath])
  await settled()
  await after.engine.stop()
  await db.close()
}, 60_000)
