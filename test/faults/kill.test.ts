/** The server is killed in the middle of writing, again and again: what it said it has, it has. */
import { expect } from 'bun:test'
import { type Hearth, signUp, startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { temporaryDatabase, temporaryFolder } from '../../scripts/temporary.ts'
import { integrity } from './integrity.ts'
import { testWith } from './needs.ts'
import { audit, clean, makeRuns } from './reading.ts'
import { startWriter } from './writer.ts'

const kills = 20
const writerCount = 8
const pointsPerBatch = 25
const timeoutMs = 240_000

const surviveKills = async (dataDir: string, env: Record<string, string>): Promise<void> => {
  const start = () => startHearth({ dataDir, env: { ...env, RATE_LIMITS: 'off' } })
  let hearth: Hearth = await start()
  try {
    const token = await signUp(hearth.origin)
    // Two writers share a run, so that their batches meet in one run's order too.
    const runIds = await makeRuns(hearth.origin, token, writerCount / 2)
    const writers = Array.from({ length: writerCount }, (_, index) => ({
      runId: runIds[Math.floor(index / 2)] as number,
      name: `writer/${index}`,
    })).map((at) => ({
      ...at,
      writer: startWriter({ ...at, token, pointsPerBatch, origin: () => hearth.origin }),
    }))
    const acknowledged = () => writers.reduce((sum, { writer }) => sum + writer.acknowledged, 0)
    for (let kill = 0; kill < kills; kill++) {
      const before = acknowledged()
      // A different depth each time, so that the kill falls on different moments of the work.
      await waitUntil('batches to be stored', () => acknowledged() >= before + 20 + kill * 7)
      await hearth.end('SIGKILL')
      hearth = await start()
    }
    await Promise.all(writers.map(({ writer }) => writer.finish()))
    for (const { runId, name, writer } of writers) {
      const points = writer.acknowledged * pointsPerBatch
      expect(await audit(hearth.origin, token, runId, name, points)).toEqual(clean(points))
    }
    const retries = writers.reduce((sum, { writer }) => sum + writer.retries, 0)
    expect(retries).toBeGreaterThanOrEqual(kills)
    expect(await hearth.end()).toBe(0)
  } finally {
    await hearth.end('SIGKILL')
  }
}

testWith()(
  'SQLite: twenty kills lose and double nothing',
  async () => {
    await using folder = await temporaryFolder()
    await surviveKills(folder.path, {})
    const answers = await integrity(folder.path)
    expect(Object.keys(answers)).not.toEqual([])
    expect(new Set(Object.values(answers))).toEqual(new Set(['ok']))
  },
  timeoutMs,
)

testWith('postgres')(
  'PostgreSQL: twenty kills lose and double nothing',
  async () => {
    await using folder = await temporaryFolder()
    await using database = await temporaryDatabase()
    await surviveKills(folder.path, { DATABASE_URL: database.url })
  },
  timeoutMs,
)
