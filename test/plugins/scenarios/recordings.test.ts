/** Episodes that are kept: listed, summed up, and judged again by the rules of today. */
import { expect, test } from 'bun:test'
import { scenarioOf } from '../../../plugins/scenarios/catalogue.ts'
import type { Scenario } from '../../../plugins/scenarios/environment.ts'
import { play, trajectoryOf } from '../../../plugins/scenarios/episodes/play.ts'
import { passHat } from '../../../plugins/scenarios/episodes/pass-hat.ts'
import scenarios from '../../../plugins/scenarios/index.ts'
import { type Recording, Recordings } from '../../../plugins/scenarios/episodes/recordings.ts'
import { rescore } from '../../../plugins/scenarios/episodes/rescore.ts'
import { gate, lawful, part, sequential, weightedSum } from '../../../plugins/scenarios/rubric.ts'
import { migrate } from '../../../src/storage/migrate.ts'
import { openDatabase } from '../../../src/storage/open.ts'
import { fakeClock } from '../../../src/testing.ts'
import { post } from './gateway/agent.ts'
import { openDesk, origin } from './gateway/desk.ts'

const found = scenarioOf('customer_support')
if (!found) throw new Error('There is no desk')
const scenario: Scenario = found
const episodes = `${origin}/api/scenarios/customer_support/episodes`

const get = async <T>(send: (url: string) => Promise<Response>, url: string): Promise<T> =>
  (await (await send(url)).json()) as T

const recordingOf = (player: 'oracle' | 'random', episode: number): Recording => ({
  n: episode + 1,
  source: 'play',
  created_at: '',
  ...trajectoryOf(scenario, player, play(scenario, player, 'train', episode)),
})

test('played episodes are kept, page by page, by what they are', async () => {
  await using desk = await openDesk()
  const { send } = desk
  for (const player of ['oracle', 'random']) {
    for (let episode = 0; episode < 5; episode++) await post(send, episodes, { player, episode })
  }
  type List = { total: number; episodes: { n: number; player: string; verdict: object }[] }
  const page = await get<List>(send, `${episodes}?skip=2&limit=4`)
  expect({ total: page.total, seen: page.episodes.map(({ n }) => n) }).toEqual({
    total: 10,
    seen: [8, 7, 6, 5],
  })
  const oracles = await get<List>(send, `${episodes}?player=oracle&success=true`)
  expect(oracles).toMatchObject({ total: 5 })
  const one = await post<Record<string, unknown>>(send, episodes, { player: 'oracle', episode: 9 })
  const {
    n,
    created_at: _,
    ...kept
  } = await get<Record<string, unknown>>(send, `${episodes}/${one['n']}`)
  expect({ n, ...kept }).toEqual({
    n: one['n'],
    source: 'play',
    ...JSON.parse(
      JSON.stringify(trajectoryOf(scenario, 'oracle', play(scenario, 'oracle', 'test', 9))),
    ),
  })
  const {
    steps: __,
    verdict,
    rubric,
    messages: ___,
    seed: ____,
    ...short
  } = kept as never as {
    verdict: { success: boolean }
    rubric: { score: number }
  } & Record<string, unknown>
  const { episodes: newest } = await get<{ episodes: object[] }>(send, `${episodes}?limit=1`)
  expect(newest).toEqual([
    {
      n,
      ...short,
      success: verdict.success,
      score: rubric.score,
      created_at: expect.any(String) as never,
    },
  ])
  expect((await send(`${episodes}/99`)).status).toBe(404)
  expect((await send(`${episodes}/nine`)).status).toBe(422)
})

test('a summary has success, parts of the score, and how sure it is', async () => {
  await using desk = await openDesk()
  const { send } = desk
  // Each seed twice by the oracle, and once more by dice.
  for (const [player, count] of [
    ['oracle', 2],
    ['random', 1],
  ] as const) {
    for (let i = 0; i < 6 * count; i++) await post(send, episodes, { player, episode: i % 6 })
  }
  const all = await get<Summary>(send, `${episodes}/summary`)
  const lucky = all.successes - 12
  expect(all).toMatchObject({ episodes: 18, successes: 12 + lucky, seeds: 6 })
  expect(all.pass_hat[1]).toBeCloseTo((12 + lucky) / 18)
  expect(all.pass_hat[3]).toBeCloseTo(lucky / 6)
  expect(Object.keys(all.pass_hat)).toEqual(['1', '2', '3'])
  const oracle = await get<Summary>(send, `${episodes}/summary?player=oracle`)
  expect(oracle).toMatchObject({
    accuracy: 100,
    mean_score: 1,
    rubric: { lawful: 1, resolution: 1, lookups: 1, efficiency: 1 },
    pass_hat: { 1: 1, 2: 1 },
  })
})

interface Summary {
  readonly successes: number
  readonly pass_hat: Readonly<Record<string, number>>
}

test.each([
  ['always', [4, 4], { 1: 1, 2: 1, 3: 1, 4: 1 }],
  ['half the time', [4, 2], { 1: 1 / 2, 2: 1 / 6, 3: 0, 4: 0 }],
  ['never', [2, 0], { 1: 0, 2: 0 }],
] as const)('pass^k of a task that succeeds %s', (_, [plays, successes], wanted) => {
  expect(passHat([{ plays, successes }])).toEqual(wanted)
})

test('under the same rules nothing changes', async () => {
  await using desk = await openDesk()
  const { send } = desk
  for (const player of ['oracle', 'random', 'heuristic']) {
    for (let episode = 0; episode < 10; episode++) await post(send, episodes, { player, episode })
  }
  expect(await post<object>(send, `${episodes}/rescore`)).toEqual({
    scenario: { id: 'customer_support', version: scenario.spec.version },
    checked: 30,
    unchanged: 30,
    changed: [],
    refused: [],
  })
  type Found = { checked: number }
  const some = await post<Found>(send, `${episodes}/rescore`, { episodes: [3, 7], limit: 1 })
  expect(some.checked).toBe(2)
  const failed = await post<Found>(send, `${episodes}/rescore`, { player: 'random', limit: 4 })
  expect(failed.checked).toBe(4)
  const unknown = { method: 'POST', body: '{"episodes":[3,99]}', headers: json }
  expect((await send(`${episodes}/rescore`, unknown)).status).toBe(404)
})

const json = { 'content-type': 'application/json' }

test('another rubric is told part by part, and the success stays', async () => {
  const stricter: Scenario = {
    ...scenario,
    rubric: sequential(lawful, gate(1, weightedSum([1, part('resolution')], [1, part('lookups')]))),
  }
  const kept = [recordingOf('oracle', 0), recordingOf('random', 1)]
  const { changed, unchanged } = await rescore(stricter, kept, false)
  expect({
    unchanged,
    changed: changed.map(({ n, score, success }) => ({ n, score, success })),
  }).toEqual({
    unchanged: 0,
    changed: [
      { n: 1, score: { kept: 1, now: 1 }, success: { kept: true, now: true } },
      {
        n: 2,
        score: { kept: kept[1]?.rubric.score ?? -1, now: 0 },
        success: { kept: false, now: false },
      },
    ],
  })
  expect(changed[0]?.components).toEqual({ efficiency: { kept: 1, now: null } })
})

test('what was tampered with, and what belongs to other rules, is found', async () => {
  const [one, other] = [recordingOf('oracle', 0), recordingOf('oracle', 1)]
  const longer = { ...one, steps: [...one.steps, ...one.steps] }
  const forged = { ...recordingOf('random', 2), verdict: one.verdict }
  const older = { ...other, scenario: { ...other.scenario, version: 0 } }
  const { version } = scenario.spec
  const { changed, refused, unchanged } = await rescore(scenario, [longer, forged, older], false)
  expect(refused).toEqual([
    {
      n: 2,
      reason: `It was played in version 0 of customer_support, which is at ${version} now`,
    },
  ])
  expect({
    unchanged,
    changed: changed.map(({ n, broken, success }) => ({ n, broken, success })),
  }).toEqual({
    unchanged: 0,
    changed: [
      {
        n: 1,
        broken: `The episode ended after ${one.steps.length} of ${2 * one.steps.length} steps`,
        success: { kept: true, now: true },
      },
      { n: 3, broken: null, success: { kept: true, now: false } },
    ],
  })
  const asked = await rescore(scenario, [older], true)
  expect(asked).toMatchObject({ checked: 1, unchanged: 1, refused: [] })
})

test('the oldest go when there are too many, those of others stay', async () => {
  const db = await openDatabase({ dataDir: ':memory:' })
  await migrate(db, [{ plugin: 'scenarios', migrations: scenarios.migrations ?? [] }])
  const few = new Recordings(db, fakeClock(), 50)
  const one = recordingOf('oracle', 0)
  await few.add(2, 'play', one)
  for (let i = 0; i < 199; i++) await few.add(1, 'play', { ...one, episode: i })
  const whoIs = (id: number) => ({ id, username: 'x', isSuperuser: false, via: 'key' }) as const
  const list = (id: number) => few.list(whoIs(id), 'customer_support', {}, { skip: 0, limit: 200 })
  const mine = await list(1)
  expect(mine.episodes.map(({ episode }) => episode)).toEqual(
    Array.from({ length: 50 }, (_, i) => 198 - i),
  )
  expect((await list(2)).total).toBe(1)
  await db.close()
})
