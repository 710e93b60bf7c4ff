/** A store killed while it appends and seals has every acknowledged point, once. */
import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pointMigrations } from '../../../../plugins/tracking/points/migrations.ts'
import { openPointStore } from '../../../../plugins/tracking/points/open.ts'
import { systemClock } from '../../../../src/kernel/clock.ts'
import { silentLogger } from '../../../../src/kernel/log.ts'
import { migrate } from '../../../../src/storage/migrate.ts'
import { openDatabase } from '../../../../src/storage/open.ts'
import { sql } from '../../../../src/storage/sql.ts'
import { createPostgres } from '../../../storage/postgres-server.ts'
import { batchOf, batchPoints } from './appender.ts'
import { random } from './model.ts'

const writers = 4
const rounds = 5

/** Runs the program until it said so many batches, kills it; answers what it acknowledged. */
const appendAndKill = async (args: string[], begun: number[], batches: number) => {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, 'appender.ts'), ...args, ...begun.map(String)],
    { stdout: 'pipe', stderr: 'inherit' },
  )
  const acknowledged = [...begun]
  const decoder = new TextDecoder()
  let rest = ''
  let seen = 0
  for await (const bytes of child.stdout) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const [writer = 0, count = 0] = line.split(' ').map(Number)
      acknowledged[writer] = count
      seen++
    }
    if (seen >= batches) child.kill('SIGKILL')
  }
  await child.exited
  expect(seen).toBeGreaterThanOrEqual(batches)
  return acknowledged
}

const survive = async (dataDir: string, databaseUrl: string | undefined, perRound: number) => {
  const options = { dataDir, databaseUrl }
  const setUp = await openDatabase(options)
  await migrate(setUp, [{ plugin: 'tracking', migrations: pointMigrations }])
  await setUp.close()
  const r = random(perRound)
  let begun: number[] = Array.from({ length: writers }, () => 0)
  for (let round = 0; round < rounds; round++) {
    const batches = perRound + r.below(perRound)
    begun = await appendAndKill([dataDir, databaseUrl ?? ''], begun, batches)
  }
  const db = await openDatabase(options)
  const store = await openPointStore({ db, clock: systemClock, log: silentLogger })
  for (const [writer, acknowledged] of begun.entries()) {
    const runId = 1 + (writer % 3)
    // What was stored but not acknowledged is sent again, as a client would.
    const batchId = writer % 2 === 0 ? { batchId: `${writer}/${acknowledged}` } : {}
    await store.append({ runId, series: [batchOf(writer, acknowledged)], ...batchId })
    const history = await store.history(runId, `writer/${writer}`)
    const count = (acknowledged + 1) * batchPoints
    const steps = Array.from({ length: count }, (_, step) => step)
    expect(Array.from(history?.steps ?? [])).toEqual(steps)
    expect(Array.from(history?.values ?? [])).toEqual(
      steps.map((step) => (step % 7 === 0 ? NaN : step / 8)),
    )
    const [summary] = await store.summary(runId, [`writer/${writer}`])
    expect(summary?.count).toBe(count)
  }
  // The kills fell among seals, not only among appends.
  const [chunks] = await db.rows<{ n: number }>(sql`select count(*) as n from tracking_chunk`)
  expect(chunks?.n).toBeGreaterThan(writers)
  await store.close()
  await db.close()
}

test('SQLite', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'hearth-points-'))
  try {
    await survive(dataDir, undefined, 200)
  } finally {
    await rm(dataDir, { recursive: true })
  }
}, 60_000)

test('PostgreSQL', async () => {
  const { url, drop } = await createPostgres()
  try {
    await survive(tmpdir(), url, 100)
  } finally {
    await drop()
  }
}, 60_000)
