/** Settings: of everybody their own, keys sealed, changed one by one. */
import { expect, test } from 'bun:test'
import scenarios from '../../../plugins/scenarios/index.ts'
import { SettingsStore } from '../../../plugins/scenarios/settings.ts'
import { openAuth } from '../../../src/auth/open.ts'
import { silentLogger } from '../../../src/kernel/log.ts'
import { sql } from '../../../src/sdk.ts'
import { migrate } from '../../../src/storage/migrate.ts'
import { openDatabase } from '../../../src/storage/open.ts'
import { fakeClock } from '../../../src/testing.ts'

const opened = async (fill = 7) => {
  const db = await openDatabase({ dataDir: ':memory:' })
  await migrate(db, [{ plugin: 'scenarios', migrations: scenarios.migrations ?? [] }])
  const storeWith = async (byte: number) => {
    const secretKey = new Uint8Array(32).fill(byte)
    const auth = await openAuth({ db, secretKey, clock: fakeClock(), log: silentLogger })
    return new SettingsStore(db, auth)
  }
  return { db, store: await storeWith(fill), storeWith }
}

test('each has their own, and the usual where nothing was said', async () => {
  const { store } = await opened()
  await store.change(1, { maxEpisodes: 500, framework: null })
  await store.change(1, { autoSave: false })
  const usual = {
    framework: 'Native',
    llmProvider: 'None',
    maxEpisodes: 200,
    learningRate: 0.001,
    autoSave: true,
  }
  expect(await store.of(1)).toEqual({ ...usual, maxEpisodes: 500, autoSave: false } as never)
  expect(await store.of(2)).toEqual(usual as never)
})

test('keys are sealed, kept when what was shown comes back, and cleared by nothing', async () => {
  const { db, store, storeWith } = await opened()
  await store.change(1, { openaiKey: 'sk-one', anthropicKey: 'sk-two' })
  const [row] = await db.rows<{ data: string }>(sql`select data from scenarios_settings`)
  expect(row?.data).not.toContain('sk-')
  await store.change(1, { openaiKey: '********', maxEpisodes: 3 })
  expect(await store.keysOf(1)).toEqual({ openaiKey: 'sk-one', anthropicKey: 'sk-two' })
  await store.change(1, { openaiKey: '' })
  expect(await store.keysOf(1)).toEqual({ openaiKey: '', anthropicKey: 'sk-two' })
  const another = await storeWith(8)
  expect(await another.keysOf(1)).toEqual({ openaiKey: '', anthropicKey: '' })
})

test('keys of an earlier version are read, and sealed with the next change', async () => {
  const { db, store } = await opened()
  const old = JSON.stringify({ maxEpisodes: 9, openaiKey: 'sk-old', anthropicKey: '' })
  await db.run(sql`insert into scenarios_settings (owner_id, data) values (1, ${old})`)
  expect(await store.keysOf(1)).toEqual({ openaiKey: 'sk-old', anthropicKey: '' })
  await store.change(1, { learningRate: 0.5 })
  const [row] = await db.rows<{ data: string }>(sql`select data from scenarios_settings`)
  expect(row?.data).not.toContain('sk-old')
  expect(await store.keysOf(1)).toEqual({ openaiKey: 'sk-old', anthropicKey: '' })
  expect(await store.of(1)).toMatchObject({ maxEpisodes: 9, learningRate: 0.5 })
})
