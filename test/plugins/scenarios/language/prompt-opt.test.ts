/** The search for a prompt: what is better is found, what is not is not claimed, no key shows. */
import { afterEach, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Scenario } from '../../../../plugins/scenarios/environment.ts'
import type { Manifest } from '../../../../plugins/scenarios/models/manifest.ts'
import { patientAsk, waitMs } from '../../../../plugins/scenarios/training/prompt/ask.ts'
import { differenceOf } from '../../../../plugins/scenarios/training/prompt/finding.ts'
import type { PromptPack } from '../../../../plugins/scenarios/training/prompt/pack.ts'
import { searchPrompt } from '../../../../plugins/scenarios/training/prompt/program.ts'
import { minBudget, sharesOf } from '../../../../plugins/scenarios/training/prompt/search.ts'
import type { TrainingSettings } from '../../../../plugins/scenarios/training/settings.ts'
import { temporaryFolder } from '../../../../scripts/temporary.ts'
import { colours, signals } from './signals.ts'
import { rightMove, saying, startUpstream, type Upstream } from './upstream.ts'

const key = 'sk-secret-of-the-test-1234567890'
afterEach(() => {
  process.removeAllListeners('SIGTERM')
})

const settings = (episodes: number, reflectionModel: string | null = null): TrainingSettings => ({
  scenario: 'signals',
  algorithm: 'prompt-opt',
  episodes,
  learningRate: 0.001,
  seed: 3,
  prompt: { model: 'small', maxTokens: 64, reflectionModel },
})

const train = async (
  upstream: Pick<Upstream, 'url'>,
  given: TrainingSettings,
  { folder, env = {}, scenario = signals }: { folder: string; env?: object; scenario?: Scenario },
) => {
  const events = join(folder, 'events')
  const told = {
    HEARTH_EVENTS: events,
    OPENAI_BASE_URL: upstream.url,
    OPENAI_API_KEY: key,
    HEARTH_TRAINING: JSON.stringify(given),
    ...env,
  }
  const code = await searchPrompt(told, { find: () => scenario, folder })
  const lines = (await Bun.file(events).text()).trim().split('\n')
  return { code, events: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

const packIn = (folder: string) =>
  Bun.file(join(folder, 'model/prompt-pack.json')).json() as Promise<PromptPack>
const manifestIn = (folder: string) =>
  Bun.file(join(folder, 'model/manifest.json')).json() as Promise<Manifest>

test('a prompt that shows all it takes is found on validation and reported on test', async () => {
  await using folder = await temporaryFolder()
  await using upstream = startUpstream()
  const { code, events } = await train(upstream, settings(200), { folder: folder.path })
  expect(code).toBe(0)
  const pack = await packIn(folder.path)
  const shown = pack.demonstrations.flatMap((messages) =>
    messages.flatMap(({ content }) => /Signal (\w+)/.exec(String(content))?.[1] ?? []),
  )
  expect(new Set(shown)).toEqual(new Set(colours))
  const shares = sharesOf(200)
  const whole = (episodes: number) =>
    expect.objectContaining({ episodes, successes: episodes, meanReward: 1, meanLength: 2 })
  const poor = (episodes: number) => expect.objectContaining({ episodes, meanLength: 2 })
  expect({ ...pack, demonstrations: [] } as unknown).toEqual({
    format: 1,
    scenario: { id: 'signals', version: 1 },
    system: expect.stringContaining('Obey every signal.'),
    demonstrations: [],
    tools: signals.conversation?.tools.map((tool) => ({ type: 'function', function: tool })),
    model: 'small',
    maxTokens: 64,
    validation: whole(shares.validation),
    test: whole(shares.test),
    baseline: { validation: poor(shares.validation), test: poor(shares.test) },
    difference: {
      points: expect.any(Number),
      low: expect.any(Number),
      high: expect.any(Number),
    },
    finding: expect.stringMatching(/^Better than the prompt it began with in 30 of 30 test/),
  })
  expect(pack.baseline.test.successes).toBeLessThan(10)
  expect(pack.difference.low).toBeGreaterThan(0)
  const manifest = await manifestIn(folder.path)
  expect(manifest).toMatchObject({ kind: 'prompt', base: 'small', test: pack.test })
  expect(manifest.episodes).toBeLessThanOrEqual(200)
  const accuracy = events.filter(({ name }) => name === 'accuracy').map(({ value }) => value)
  expect(accuracy.at(-1)).toBe(100)
  expect(upstream.asked.every(({ authorization }) => authorization === `Bearer ${key}`)).toBe(true)
  expect(JSON.stringify([events, pack, manifest])).not.toContain(key)
}, 30_000)

test('where no prompt makes a difference, none is claimed', async () => {
  await using folder = await temporaryFolder()
  await using upstream = startUpstream({
    choose: (signal) => (signal === 'blue' ? 'wait' : rightMove(signal)),
  })
  await train(upstream, settings(120), { folder: folder.path })
  const { finding, demonstrations, system, difference, test, baseline } = await packIn(folder.path)
  expect({ demonstrations, system, points: difference.points }).toEqual({
    demonstrations: [],
    system: 'Obey every signal.',
    points: 0,
  })
  expect(difference.low).toBeLessThan(0)
  expect(difference.high).toBeGreaterThan(0)
  expect(finding).toMatch(/^No improvement: on validation nothing did better .* in \d+ of 36 test/)
  expect(test).toEqual(baseline.test)
}, 30_000)

test('a model that reflects writes the instruction anew', async () => {
  const improved = 'Obey every signal: red halts, green goes, blue turns, white waits.'
  await using folder = await temporaryFolder()
  const questions: string[] = []
  await using upstream = startUpstream({
    choose: (signal, _, { messages }) =>
      messages[0]?.content?.includes('green goes') ? rightMove(signal) : 'halt',
    instead: async (n) => {
      const { model, messages } = upstream.asked[n]?.body ?? { model: '', messages: [] }
      if (model !== 'wise') return undefined
      questions.push(messages[0]?.content ?? '')
      return saying(`They differ.\n<instruction>\n${improved}\n</instruction>`)
    },
  })
  await train(upstream, settings(200, 'wise'), { folder: folder.path })
  const { system, test } = await packIn(folder.path)
  expect(system).toStartWith(improved)
  expect(test.successes).toBe(test.episodes)
  expect(questions.length).toBeGreaterThan(0)
  expect(questions[0]).toContain('<instruction>\nObey every signal.\n</instruction>')
  expect(questions[0]).toContain('Judgement: obeyed 0')
}, 30_000)

test('paused and gone on with, it ends as if it had not been', async () => {
  const whole = await temporaryFolder()
  await using upstream = startUpstream()
  await train(upstream, settings(120), { folder: whole.path })
  const asked = upstream.asked.length

  const halves = await temporaryFolder()
  const control = join(halves.path, 'control')
  await using broken = startUpstream({
    instead: async (n) => {
      if (n !== Math.floor(asked / 2)) return undefined
      await Bun.write(control, 'pause')
      process.emit('SIGTERM', 'SIGTERM')
      return undefined
    },
  })
  const env = { HEARTH_CONTROL: control }
  const first = await train(broken, settings(120), { folder: halves.path, env })
  expect(first.events.at(-1)).toEqual({
    type: 'checkpoint',
    path: 'training.checkpoint',
    step: expect.any(Number),
  })
  expect(existsSync(join(halves.path, 'model'))).toBe(false)
  process.removeAllListeners('SIGTERM')
  const checkpoint = join(halves.path, 'training.checkpoint')
  await train(broken, settings(120), {
    folder: halves.path,
    env: { HEARTH_CHECKPOINT: checkpoint },
  })
  expect(await packIn(halves.path)).toEqual(await packIn(whole.path))
  // What was in the air when it was paused is asked again.
  expect(broken.asked.length).toBeLessThanOrEqual(asked + 2 * 8)
  await whole[Symbol.asyncDispose]()
  await halves[Symbol.asyncDispose]()
}, 30_000)

test('stopped, it keeps the best so far and claims nothing', async () => {
  await using folder = await temporaryFolder()
  await using upstream = startUpstream({
    instead: (n) => {
      if (n === 200) process.emit('SIGTERM', 'SIGTERM')
      return undefined
    },
  })
  expect((await train(upstream, settings(1000), { folder: folder.path })).code).toBe(0)
  const { finding, test } = await packIn(folder.path)
  expect(finding).toBe('Stopped before validation and test: nothing is known of this prompt.')
  expect(test.episodes).toBe(0)
}, 30_000)

test.each([
  [401, { error: { message: `Incorrect API key provided: ${key}` } }, /refuses the key/],
  [400, { error: { message: `No model small for ${key}` } }, /^Upstream: No model small for \*+$/],
])('%d ends it with the reason, without the key', async (status, body, reason) => {
  await using folder = await temporaryFolder()
  await using upstream = startUpstream({ instead: () => Response.json(body, { status }) })
  const failed = train(upstream, settings(minBudget), { folder: folder.path })
  const error = await failed.then(() => null).catch((thrown: Error) => thrown)
  expect(error?.message).toMatch(reason)
  expect(error?.message).not.toContain(key)
  expect(upstream.asked.length).toBeLessThanOrEqual(8)
})

test('429 is waited for as long as it says', async () => {
  await using folder = await temporaryFolder()
  const busyUntil: number[] = []
  await using upstream = startUpstream({
    instead: (n) => {
      if (n > 0) return undefined
      busyUntil.push(performance.now() + 300)
      const headers = { 'retry-after': '0.3' }
      return Response.json({ error: { message: 'Slow down' } }, { status: 429, headers })
    },
  })
  const begun = performance.now()
  const { code } = await train(upstream, settings(minBudget), { folder: folder.path })
  expect(code).toBe(0)
  expect(performance.now() - begun).toBeGreaterThan(300)
  expect((await packIn(folder.path)).test.episodes).toBeGreaterThan(0)
}, 30_000)

test('a server that does not answer is given up in words', async () => {
  const upstream = startUpstream()
  await upstream[Symbol.asyncDispose]()
  const ask = patientAsk({ baseUrl: upstream.url, apiKey: key }, new AbortController().signal, 1)
  const asked = ask({ model: 'small', messages: [{ role: 'user', content: 'Anybody?' }] })
  expect(asked).rejects.toThrow('The model upstream cannot be reached; it was asked 6 times')
})

test.each([
  [null, 500],
  ['', 500],
  ['soon', 500],
  ['2', 2_000],
  ['0.25', 250],
  ['-1', 0],
  ['86400', 60_000],
  ['Thu, 01 Jan 1970 00:00:07 GMT', 6_000],
])('after %p it waits %d ms', (retryAfter, wanted) => {
  expect(waitMs(retryAfter, 500, 1_000)).toBe(wanted)
})

test.each([
  [9, 10, 1, 10, true],
  [6, 10, 5, 10, false],
  [0, 0, 0, 0, false],
  [10, 10, 10, 10, false],
])('%d of %d against %d of %d: better is %p', (a, n, b, m, isBetter) => {
  const result = (successes: number, episodes: number) =>
    ({ successes, episodes, meanReward: 0, meanLength: 0, tasks: {} }) as const
  const { low, points, high } = differenceOf(result(a, n), result(b, m))
  expect([low <= points, points <= high, low > 0]).toEqual([true, true, isBetter])
})
