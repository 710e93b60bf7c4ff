/** torch-ppo as a job runs it: it learns, leaves a model like ours, and goes on bit for bit. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { evaluate } from '../../../../plugins/scenarios/learning/evaluate.ts'
import { Policy } from '../../../../plugins/scenarios/models/policy.ts'
import { trainingRunner } from '../../../../plugins/scenarios/runner.ts'
import { Seats } from '../../../../plugins/scenarios/training/stepping/seats.ts'
import { SteppingServer } from '../../../../plugins/scenarios/training/stepping/serve.ts'
import { launcherFolder } from '../../../../runners/own-program.ts'
import { programPath } from '../../../../runners/python/program-path.ts'
import { waitUntil } from '../../../../scripts/port.ts'
import { temporaryFolder } from '../../../../scripts/temporary.ts'
import { testWith } from '../../../faults/needs.ts'
import { torchPython } from '../../../python/torch.ts'

const settings = (episodes: number) =>
  ({
    scenario: 'catch',
    algorithm: 'torch-ppo',
    episodes,
    learningRate: 0.001,
    seed: 1,
  }) as const

interface Told {
  readonly type: string
  readonly name?: string
  readonly value?: number
  readonly path?: string
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let bin: string
let modules: string
beforeAll(async () => {
  folder = await temporaryFolder()
  bin = await launcherFolder(folder.path)
  modules = await programPath(folder.path)
})
afterAll(async () => {
  await folder[Symbol.asyncDispose]()
})

const run = async (name: string, episodes: number, { checkpoint = '', pauseAt = 0 } = {}) => {
  const at = (path: string) => join(folder.path, name, path)
  await mkdir(at('.'), { recursive: true })
  await writeFile(at('events'), '')
  const plan = await trainingRunner.plan(
    { settings: settings(episodes) },
    { jobId: '', ownerId: 0 },
  )
  const [, ...args] = plan.command
  const child = Bun.spawn([torchPython, ...args], {
    cwd: at('.'),
    env: {
      ...process.env,
      ...plan.env,
      PATH: `${bin}:${process.env['PATH']}`,
      PYTHONPATH: modules,
      HEARTH_EVENTS: at('events'),
      HEARTH_CONTROL: at('control'),
      HEARTH_CHECKPOINT: checkpoint,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const told = async () => {
    const lines = (await Bun.file(at('events')).text()).split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Told)
  }
  if (pauseAt > 0) {
    const isThere = async () =>
      (await told()).some(({ name: what, value = 0 }) => what === 'episode' && value >= pauseAt)
    await waitUntil('the episode to pause at', isThere, 60_000)
    await writeFile(at('control'), 'pause')
    child.kill('SIGTERM')
  }
  expect(await child.exited).toBe(0)
  const events = await told()
  const curve = (of: string) =>
    events.flatMap(({ name: what, value = 0 }) => (what === of ? value : []))
  const json = (path: string) => Bun.file(at(path)).json()
  return { at, events, curve, json }
}

testWith('torch')(
  'it learns, tells how, and leaves the model that ours leaves',
  async () => {
    const { events, curve, json } = await run('whole', 1500)
    expect(events.slice(-3)).toEqual(
      ['manifest.json', 'policy.json', 'policy.onnx'].map((name) => ({
        type: 'artifact',
        path: `model/${name}`,
      })),
    )
    expect(curve('accuracy').at(-1)).toBeGreaterThan(95)
    expect(curve('evaluated_at').at(-1)).toBe(1500)
    expect(curve('baseline/oracle')).toEqual([100])
    const names = [
      'entropy',
      'approx_kl',
      'clip_frac',
      'explained_variance',
      'steps_per_s',
      'eta_s',
    ]
    for (const name of names) expect([name, curve(name).length > 1]).toEqual([name, true])
    const manifest = (await json('model/manifest.json')) as { test: { successes: number } }
    expect(manifest).toMatchObject({ format: 2, kind: 'policy', settings: settings(1500) })
    const policy = new Policy(await json('model/policy.json'))
    const scenario = known('catch')
    const choose = (seen: Float32Array) => policy.act(seen, null).action
    const found = evaluate(choose, { scenario, split: 'test', episodes: 2000 })
    expect(manifest.test).toEqual(found)
  },
  120_000,
)

testWith('torch')(
  'paused on the way, it ends as if it had never been',
  async () => {
    const digest = async ({ json }: Awaited<ReturnType<typeof run>>) =>
      ((await json('model/manifest.json')) as { trainingDigest: string }).trainingDigest
    const whole = await run('unbroken', 800)
    const first = await run('broken', 800, { pauseAt: 100 })
    expect(first.curve('episode').at(-1)).toBeLessThan(800)
    const rest = await run('rest', 800, { checkpoint: first.at('training.checkpoint') })
    expect(rest.curve('exact')).toEqual([1])
    expect(await digest(rest)).toBe(await digest(whole))
  },
  180_000,
)

const known = (id: string) => {
  const scenario = scenarioOf(id)
  if (!scenario) throw new Error(`There is no scenario ${id}`)
  return scenario
}

test('environments that are stepped go on as they were saved', () => {
  const scenario = known('customer_support')
  const play = (seats: Seats, from: number, to: number) => {
    const told = []
    for (let n = from; n < to; n++) told.push(seats.step([0, 1, 2].map((i) => (n + 3 * i) % 11)))
    return told
  }
  const whole = new Seats(scenario, 3, 5)
  play(whole, 0, 40)
  const saved = JSON.parse(JSON.stringify(whole.state)) as Seats['state']
  const second = new Seats(scenario, 3, 5)
  second.state = saved
  const rest = play(whole, 40, 90)
  expect(rest.some(({ ended }) => ended.length > 0)).toBe(true)
  expect(play(second, 40, 90)).toEqual(rest)
  expect(second.state).toEqual(whole.state)
})

test('what cannot be stepped is refused, and nothing has happened', () => {
  const server = new SteppingServer(known('catch'), settings(10), folder.path)
  const before = server.answer({ type: 'save' })
  expect(() => server.answer({ type: 'step', actions: [1] })).toThrow('16 environments, 1 actions')
  expect(() => server.answer({ type: 'nothing' } as never)).toThrow('Nobody knows nothing')
  expect(server.answer({ type: 'save' })).toEqual(before)
})
