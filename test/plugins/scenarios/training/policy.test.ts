/** A policy is the same wherever it acts: in training, from its file, and as ONNX in Python. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { seedOf } from '../../../../plugins/scenarios/environment.ts'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { choose } from '../../../../plugins/scenarios/models/choice.ts'
import type { Manifest } from '../../../../plugins/scenarios/models/manifest.ts'
import { Policy } from '../../../../plugins/scenarios/models/policy.ts'
import type { PolicyFile } from '../../../../plugins/scenarios/models/policy-file.ts'
import { Random } from '../../../../plugins/scenarios/random.ts'
import { openRuntime } from '../../../../plugins/scenarios/serving/onnx-runtime.ts'
import { train } from '../../../../plugins/scenarios/training/program.ts'
import { must } from '../../../../scripts/command.ts'
import { temporaryFolder } from '../../../../scripts/temporary.ts'
import { testWith } from '../../../faults/needs.ts'

const python =
  process.env['HEARTH_TEST_PYTHON'] ??
  join(import.meta.dir, '../../../../.cache/test-venv/bin/python')

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let policy: Policy

beforeAll(async () => {
  folder = await temporaryFolder()
  const settings = {
    scenario: 'customer_support',
    algorithm: 'bc',
    episodes: 300,
    learningRate: 0.001,
    seed: 1,
  }
  const env = {
    HEARTH_TRAINING: JSON.stringify(settings),
    HEARTH_EVENTS: join(folder.path, 'events'),
  }
  expect(await train(env, { find: scenarioOf, folder: folder.path })).toBe(0)
  const file = (await Bun.file(join(folder.path, 'model/policy.json')).json()) as PolicyFile
  policy = new Policy(file)
})
afterAll(async () => {
  await folder[Symbol.asyncDispose]()
})

/** Of episodes in which dice choose. */
const observations = (count: number): Float32Array[] => {
  const environment = scenarioOf('customer_support')!.make()
  const random = new Random(5)
  const into = new Float32Array(policy.file.observations)
  const seen: Float32Array[] = []
  for (let n = 0; seen.length < count; n++) {
    environment.reset(seedOf('test', n), into)
    for (let isOver = false; !isOver && seen.length < count;) {
      seen.push(into.slice())
      const { terminated, truncated } = environment.step(random.below(environment.actions), into)
      isOver = terminated || truncated
    }
  }
  return seen
}

test('it tells of itself as it goes', async () => {
  const text = await Bun.file(join(folder.path, 'events')).text()
  const events = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const names = new Set(events.flatMap(({ name }) => (typeof name === 'string' ? [name] : [])))
  for (const name of ['episode', 'avg_reward', 'loss', 'accuracy', 'elapsed_s']) {
    expect(names).toContain(name)
  }
  expect(events.slice(-3)).toEqual([
    { type: 'artifact', path: 'model/manifest.json' },
    { type: 'artifact', path: 'model/policy.json' },
    { type: 'artifact', path: 'model/policy.onnx' },
  ])
})

test('masked actions are never taken', () => {
  for (const observation of observations(200)) {
    const { action } = policy.act(observation, null)
    const mask = policy.file.actions.map((_, j) => (j === action ? 0 : 1))
    const other = policy.act(observation, mask)
    expect(other.action).not.toBe(action)
    expect(other.probabilities[action]).toBe(0)
  }
})

const rows = 10_000

testWith('python')('ONNX passes its checker and acts alike everywhere, 10,000 times', async () => {
  const seen = observations(rows)
  const { actions, observations: width } = policy.file
  const flat = new Float32Array(rows * width)
  for (const [n, row] of seen.entries()) flat.set(row, n * width)
  await Bun.write(join(folder.path, 'rows.f32'), flat)
  const program = `
import json
import numpy, onnx, onnxruntime
model = onnx.load("model/policy.onnx")
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession("model/policy.onnx")
rows = numpy.fromfile("rows.f32", numpy.float32).reshape(-1, ${width})
(logits,) = session.run(None, {"observation": rows})
logits.tofile("logits.f32")
print(json.dumps({entry.key: entry.value for entry in model.metadata_props}))
`
  const printed = await must([python, '-c', program], { cwd: folder.path })
  const line = printed.split('\n').find((one) => one.startsWith('{')) ?? ''
  const manifest = (await Bun.file(join(folder.path, 'model/manifest.json')).json()) as Manifest
  expect(JSON.parse(line)).toEqual({
    scenario: 'customer_support@1',
    actions: JSON.stringify(actions),
    training_digest: manifest.trainingDigest,
  })
  expect(manifest.trainingDigest).toMatch(/^[0-9a-f]{64}$/)
  const theirs = new Float32Array(await Bun.file(join(folder.path, 'logits.f32')).arrayBuffer())
  const { load } = await openRuntime()
  const network = await load(await Bun.file(join(folder.path, 'model/policy.onnx')).bytes())
  const served = await network.run(flat, rows)
  await network.release()
  const own = seen.flatMap((row) => [...policy.logits(row)])
  expect([theirs.length, served.length]).toEqual([rows * actions.length, own.length])
  const apart = (one: ArrayLike<number>, other: ArrayLike<number>) =>
    Math.max(...Array.from(seen, (_, n) => farthest(one, other, n * actions.length)))
  const farthest = (one: ArrayLike<number>, other: ArrayLike<number>, from: number) => {
    const parts = actions.map((_, j) => Math.abs(one[from + j]! - other[from + j]!))
    return Math.max(...parts)
  }
  expect(apart(own, theirs)).toBeLessThan(1e-4)
  expect(apart(own, served)).toBeLessThan(1e-4)
  const chosen = (logits: ArrayLike<number>) =>
    seen.map((_, n) => {
      const part = actions.map((_name, j) => logits[n * actions.length + j]!)
      return choose(part, null, actions).action
    })
  expect(chosen(theirs)).toEqual(chosen(own))
  expect(chosen(served)).toEqual(chosen(own))
  expect(new Set(chosen(own)).size).toBeGreaterThan(5)
})
