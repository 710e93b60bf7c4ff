/** A policy is the same wherever it acts: in training, from its file, and as ONNX in Python. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { seedOf } from '../../../../plugins/scenarios/environment.ts'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { Policy } from '../../../../plugins/scenarios/models/policy.ts'
import type { PolicyFile } from '../../../../plugins/scenarios/models/policy-file.ts'
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

/** First observations of 200 episodes. */
const observations = (): number[][] => {
  const environment = scenarioOf('customer_support')?.make()
  const into = new Float32Array(policy.file.observations)
  return Array.from({ length: 200 }, (_, n) => {
    environment?.reset(seedOf('test', n), into)
    return [...into]
  })
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
  for (const observation of observations()) {
    const { action } = policy.act(observation, null)
    const mask = policy.file.actions.map((_, j) => (j === action ? 0 : 1))
    const other = policy.act(observation, mask)
    expect(other.action).not.toBe(action)
    expect(other.probabilities[action]).toBe(0)
  }
})

testWith('python')('ONNX passes its checker and acts alike', async () => {
  const rows = observations()
  await Bun.write(join(folder.path, 'rows.json'), JSON.stringify(rows))
  const program = `
import json, sys
import numpy, onnx, onnxruntime
model = onnx.load("model/policy.onnx")
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession("model/policy.onnx")
rows = numpy.array(json.load(open("rows.json")), numpy.float32)
(logits,) = session.run(None, {"observation": rows})
properties = {entry.key: entry.value for entry in model.metadata_props}
print(json.dumps({"logits": logits.tolist(), "scenario": properties["scenario"]}))
`
  const printed = await must([python, '-c', program], { cwd: folder.path })
  const line = printed.split('\n').find((one) => one.startsWith('{')) ?? ''
  const { logits, scenario } = JSON.parse(line) as { logits: number[][]; scenario: string }
  expect(scenario).toBe('customer_support@1')
  for (const [n, row] of rows.entries()) {
    const ours = policy.logits(row)
    for (const [j, value] of (logits[n] ?? []).entries()) {
      expect(Math.abs(value - (ours[j] ?? Number.NaN))).toBeLessThan(1e-4)
    }
  }
})
