/** What a status says beyond the document's: read off curves, numbers never null. */
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { adviceOf } from '../../../plugins/scenarios/sessions/advice.ts'
import { scenarioOf } from '../../../plugins/scenarios/catalogue.ts'
import { measured } from '../../../plugins/scenarios/sessions/measured.ts'
import { scenarioHash } from '../../../plugins/scenarios/scenario-hash.ts'
import type { Session } from '../../../plugins/scenarios/sessions/session.ts'
import { standingOf } from '../../../plugins/scenarios/sessions/standing.ts'
import { baselinesIn, measureBaselines } from '../../../plugins/scenarios/training/baselines.ts'
import { Pace } from '../../../plugins/scenarios/training/pace.ts'
import { evaluationMetrics } from '../../../plugins/scenarios/training/evaluation.ts'

const session = (figures: Session['figures'], more: Partial<Session> = {}): Session => ({
  n: 1,
  id: 'session_1_1',
  ownerId: 0,
  jobId: null,
  version: 1,
  hash: '',
  framework: 'Native',
  settings: {
    scenario: 'customer_support',
    algorithm: 'bc+ppo',
    episodes: 1000,
    learningRate: 0.001,
    seed: 0,
  },
  isUsual: true,
  status: 'running',
  episode: 500,
  figures,
  updates: 0,
  heardAttempt: 0,
  modelId: null,
  error: null,
  createdAt: 0,
  endedAt: null,
  ...more,
})

const evaluated = evaluationMetrics({
  episodes: 100,
  successes: 82,
  meanReward: 0,
  meanLength: 0,
  tasks: { refund: { episodes: 18, successes: 0 }, api: { episodes: 82, successes: 82 } },
  rubric: {},
})

describe('a standing', () => {
  test('has no nulls before anything was measured', () => {
    const { advice, ...standing } = standingOf(session({}))
    expect(advice).toContain('No algorithm was named; bc+ppo was picked')
    expect(standing).toEqual({
      accuracy_n: 0,
      ci95: [0, 100],
      tasks: {},
      worst_task: null,
      evaluated_at_episode: 0,
      baselines: {},
      alarms: [],
      entropy: 0,
      approx_kl: 0,
      clip_frac: 0,
      explained_variance: 0,
      trajectory_entropy: 0,
      steps_per_second: 0,
      progress: { done: 500, total: 1000, percent: 50, eta_seconds: 0 },
    })
  })

  test('raises an alarm for a dead task, whatever the average', () => {
    const figures = { ...evaluated, evaluated_at: 500, eta_s: 12, baseline_n: 300 }
    const found = standingOf(session({ ...figures, 'baseline/random': 1.5 }))
    expect(found).toMatchObject({
      accuracy_n: 100,
      tasks: {
        refund: { accuracy: 0, episodes: 18 },
        api: { accuracy: 100, episodes: 82 },
      },
      worst_task: 'refund',
      evaluated_at_episode: 500,
      baselines: { random: { accuracy: 1.5, episodes: 300 } },
      alarms: [
        {
          kind: 'dead_task',
          task: 'refund',
          message: 'Not one of 18 validation episodes of refund succeeds',
        },
      ],
      progress: { done: 500, total: 1000, percent: 50, eta_seconds: 12 },
    })
    const [low = 0, high = 0] = found.ci95
    expect([low.toFixed(1), high.toFixed(1)]).toEqual(['73.3', '88.3'])
  })

  test('gives every task some time first', () => {
    expect(standingOf(session({ ...evaluated, evaluated_at: 200 })).alarms).toEqual([])
    const over = session({ ...evaluated, eta_s: 9 }, { status: 'completed' })
    expect(standingOf(over).progress.eta_seconds).toBe(0)
  })
})

describe('advice', () => {
  const choices = { scenario: 'scheduling', version: 2, episodes: 200, isUsual: false } as const

  test('says what was measured with more episodes, and nothing else', () => {
    expect(adviceOf({ ...choices, algorithm: 'bc+ppo' })).toBe(
      'This training has 200; three others with 5,000 episodes gave 95.3 to 96.2 %, ' +
        'with 20,000 episodes gave 98.5 to 99.2 %.',
    )
    expect(adviceOf({ ...choices, algorithm: 'grpo' })).toBe(
      'What more episodes of scheduling give with grpo was not measured.',
    )
    expect(adviceOf({ ...choices, algorithm: 'bc+ppo', episodes: 1_000_000 })).toStartWith(
      'More episodes than these were not measured',
    )
  })

  test('is of scenarios as they are', () => {
    for (const { scenario, version } of measured) {
      expect(scenarioOf(scenario)?.spec.version).toBe(version)
    }
  })
})

test('the table of the document is the one that advice is taken from', async () => {
  const text = await Bun.file(join(import.meta.dir, '../../../docs/scenarios-training.md')).text()
  const cells = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  const rows = cells.filter(
    ([, name = '', count]) => /^`\w+`$/.test(name) && /^[\d,]+$/.test(count ?? ''),
  )
  expect(rows.map(([, name, count, found]) => [name, count, found])).toEqual(
    measured.map(({ scenario, episodes, accuracies }) => [
      `\`${scenario}\``,
      episodes.toLocaleString('en'),
      accuracies.map((one) => one.toFixed(1)).join(', '),
    ]),
  )
})

test('baselines are those of the players that a scenario has', () => {
  const scenario = scenarioOf('customer_support')
  if (!scenario) throw new Error('There is no customer support')
  const found = measureBaselines(scenario, 200)
  expect(found).toMatchObject({ 'baseline/oracle': 100, baseline_n: 200 })
  expect(found['baseline/random']).toBeLessThan(10)
  expect(baselinesIn({ ...found, accuracy: 5 })).toEqual(found)
  const alone = { ...scenario, spec: { ...scenario.spec, scripted: [] } }
  expect(Object.keys(measureBaselines(alone, 5))).toEqual(['baseline/random', 'baseline_n'])
  expect(scenarioHash(alone)).not.toBe(scenarioHash(scenario))
})

test('the pace is that of the last seconds', () => {
  const pace = new Pace()
  expect(pace.at(0, 0, 0, 1000)).toEqual({})
  expect(pace.at(1000, 0, 0, 1000)).toEqual({ steps_per_s: 0 })
  expect(pace.at(2000, 100, 400, 1000)).toEqual({ steps_per_s: 200, eta_s: 18 })
  expect(pace.at(60_000, 100, 400, 1000)).toEqual({})
  expect(pace.at(61_000, 400, 900, 1000)).toEqual({ steps_per_s: 500, eta_s: 2 })
})
