/** Servers, agents and links are broken while jobs run: no byte is lost, nothing runs twice. */
import { expect } from 'bun:test'
import { temporaryDatabase } from '../../scripts/temporary.ts'
import { testWith } from '../faults/needs.ts'
import { runCampaign } from './campaign.ts'

const timeoutMs = 120_000
const short = { jobs: 14, agents: 2, blows: 16, calmMs: 500, timeoutMs: timeoutMs - 20_000 }

testWith()(
  'SQLite, hold: every job runs at most once, its log is what it wrote',
  async () => {
    const { findings, damage, repeats } = await runCampaign({
      ...short,
      seed: 7,
      policy: 'hold',
    })
    expect(findings).toEqual([])
    expect(damage.server).toBeGreaterThan(0)
    expect(damage.agents).toBeGreaterThan(0)
    expect(repeats).toEqual({ attempts: 0, completions: 0 })
  },
  timeoutMs,
)

testWith('postgres')(
  'PostgreSQL, retry: every job succeeds, no two of its attempts overlap',
  async () => {
    await using database = await temporaryDatabase()
    const { findings, damage } = await runCampaign({
      ...short,
      seed: 11,
      policy: 'retry',
      env: { DATABASE_URL: database.url },
    })
    expect(findings).toEqual([])
    expect(damage.server).toBeGreaterThan(0)
    expect(damage.agents).toBeGreaterThan(0)
  },
  timeoutMs,
)
