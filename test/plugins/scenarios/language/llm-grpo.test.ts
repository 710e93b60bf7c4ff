/** llm-grpo with a tiny Llama of random weights: it learns, keeps what it learned, and no more. */
import { afterAll, beforeAll, expect } from 'bun:test'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { scenarioHash } from '../../../../plugins/scenarios/scenario-hash.ts'
import { temporaryFolder } from '../../../../scripts/temporary.ts'
import { testWith } from '../../../faults/needs.ts'
import { curve, filesIn, makeModel, python, settingsFor, teach, torch } from './lessons.ts'
import { signals } from './signals.ts'

const test = testWith('torch')
const root = join(import.meta.dir, '../../../..')

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let base: string

beforeAll(async () => {
  folder = await temporaryFolder()
  base = join(folder.path, 'base')
  if (await Bun.file(torch).exists()) await makeModel(base)
}, 120_000)
afterAll(async () => {
  await folder[Symbol.asyncDispose]()
})

const fresh = async (name: string): Promise<string> => {
  const path = join(folder.path, name)
  await mkdir(path)
  return path
}

interface Manifest {
  readonly trainingDigest: string
  readonly test: { readonly episodes: number; readonly successes: number }
}

const manifestIn = async (work: string) =>
  (await Bun.file(join(work, 'model/manifest.json')).json()) as Manifest

test('what it is shown, what it learns from, and what it keeps', async () => {
  const bare = join(folder.path, 'bare')
  await makeModel(bare, '--bare')
  process.env['PYTHONPATH'] = join(root, 'runners/python')
  const script = join(root, 'test/python/llm_mechanics.py')
  const out = await python(script, base, bare, join(folder.path, 'kept')).finally(() => {
    delete process.env['PYTHONPATH']
  })
  const told = 'Signal green assistant:'
  const opened = 'Obey every signal. user: Signal red assistant:'
  expect(JSON.parse(out)).toEqual({
    calls: Array(6).fill(true),
    no_calls: Array(6).fill(true),
    own_template: {
      same: true,
      text: `system: ${opened} {"name":"go","arguments":{}} <end> tool: ${told}`,
      ends_what_was_cut: true,
    },
    our_template: {
      same: true,
      text: expect.stringMatching(
        /^Obey every signal\. <unk> .*user: Signal red assistant: \{"name":"go".* <end> tool: /,
      ),
      ends_what_was_cut: true,
    },
    learned: {
      idle: { frac_reward_zero_std: 1 },
      unmoved: true,
      frac: 0.5,
      kl_at_first: 0,
      best_is_likelier: true,
      worst_is_less: true,
      reloaded_is_away: 0,
      adapter_moves: true,
      base_is_same: true,
      told: `system: ${opened} tool: ${told}`,
      turns: [2, 6],
      own_is_said: true,
    },
  })
}, 120_000)

test('it learns what nothing tells: from a third of the reward to nearly all', async () => {
  const work = await fresh('learns')
  const before = await filesIn(base)
  const settings = settingsFor(base)
  const { code, log, events } = await teach(work, settings)
  expect({ code, log: code === 0 ? '' : log }).toEqual({ code: 0, log: '' })
  const rewards = curve(events, 'reward')
  expect(rewards[0]).toBeLessThan(0.3)
  expect(curve(events, 'avg_reward').at(-1)).toBeGreaterThan(0.9)
  expect(curve(events, 'accuracy')[0]).toBeLessThan(40)
  for (const name of ['kl', 'entropy', 'frac_reward_zero_std', 'completion_tokens', 'turns']) {
    expect(curve(events, name).every(Number.isFinite)).toBe(true)
    expect(curve(events, name).length).toBeGreaterThan(3)
  }
  expect(await filesIn(base)).toEqual(before)
  expect(Object.keys(await filesIn(join(work, 'model')))).toEqual([
    'adapter/adapter_config.json',
    'adapter/adapter_model.safetensors',
    'manifest.json',
  ])
  const manifest = await manifestIn(work)
  expect(manifest).toEqual({
    format: 2,
    kind: 'adapter',
    scenario: { id: 'signals', version: 1, hash: scenarioHash(signals) },
    settings,
    base: expect.stringMatching(/^\/.*\/base sha256:[0-9a-f]{64}$/),
    trainingDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
    episodes: 3200,
    test: {
      episodes: 200,
      successes: expect.any(Number),
      meanReward: expect.any(Number),
      meanLength: 2,
      tasks: {
        red: { episodes: 54, successes: expect.any(Number) },
        green: { episodes: 40, successes: expect.any(Number) },
        blue: { episodes: 61, successes: expect.any(Number) },
        white: { episodes: 45, successes: expect.any(Number) },
      },
    },
  } as never)
  expect(manifest.test.successes).toBeGreaterThan(180)
}, 180_000)

test('with a learning rate of 0 it does not', async () => {
  const work = await fresh('stays')
  const { events } = await teach(work, settingsFor(base, { episodes: 640, learningRate: 0 }))
  expect(curve(events, 'avg_reward').at(-1)).toBeLessThan(0.4)
  expect(new Set(curve(events, 'accuracy')).size).toBe(1)
  expect((await manifestIn(work)).test.successes).toBeLessThan(100)
}, 120_000)

test('paused in between it ends with the same weights', async () => {
  const settings = settingsFor(base, { episodes: 960 })
  const whole = await fresh('whole')
  await teach(whole, settings)
  const begun = await fresh('begun')
  const first = await teach(begun, settings, { endAtUpdate: 3 })
  const saved = first.events.at(-1)
  expect({ code: first.code, saved }).toEqual({
    code: 0,
    saved: { type: 'checkpoint', path: 'training.checkpoint', step: expect.any(Number) },
  })
  expect(saved?.step).toBeLessThan(960)
  const resumed = await fresh('resumed')
  await cp(join(begun, 'training.checkpoint'), join(resumed, 'training.checkpoint'))
  const second = await teach(resumed, settings, { checkpoint: 'training.checkpoint' })
  expect(curve(second.events, 'exact')).toEqual([1])
  expect(await manifestIn(resumed)).toEqual(await manifestIn(whole))
}, 180_000)

test('stopped, it leaves what it has learned so far', async () => {
  const work = await fresh('stopped')
  const settings = settingsFor(base, { episodes: 1_000_000 })
  const { code, events } = await teach(work, settings, { endAtUpdate: 2, wish: 'cancel' })
  expect({ code, saved: events.filter(({ type }) => type === 'artifact') }).toEqual({
    code: 0,
    saved: [{ type: 'artifact', path: 'model' }],
  })
  const { test: tested, ...manifest } = await manifestIn(work)
  expect(manifest).toMatchObject({ kind: 'adapter', settings })
  expect(tested.episodes).toBeGreaterThan(0)
}, 120_000)

test('a base that is not there is refused with the reason', async () => {
  const work = await fresh('refused')
  const missing = join(folder.path, 'nowhere')
  const { code, log } = await teach(work, settingsFor(missing))
  expect({ code, said: log.trim().split('\n').at(-1) }).toEqual({
    code: 1,
    said: `There is no base model at ${missing} on this node`,
  })
}, 60_000)
