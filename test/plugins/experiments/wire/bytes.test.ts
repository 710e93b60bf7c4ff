/** Bytes live as long as somebody names them, and no longer: whoever comes or goes in between. */
import { expect, test } from 'bun:test'
import { Experiments } from '../../../../plugins/experiments/experiments.ts'
import { fileMigrations } from '../../../../plugins/experiments/files/migrations.ts'
import { Files } from '../../../../plugins/experiments/files/files.ts'
import { experimentsMigrations } from '../../../../plugins/experiments/schema.ts'
import { type Blobs, sql, type Who } from '../../../../src/sdk.ts'
import { fakeClock } from '../../../../src/testing.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'
import { migrate } from '../../../../src/storage/migrate.ts'
import { openDatabase } from '../../../../src/storage/open.ts'
import { zipSync } from './zip.ts'

const who: Who = { id: 1, username: 'ada', isSuperuser: false, via: 'jwt' }
const digest = (text: string) => new Bun.CryptoHasher('sha256').update(text).digest('hex')

const open = async (around: (blobs: Blobs) => Partial<Blobs> = () => ({})) => {
  const db = await openDatabase({ dataDir: ':memory:' })
  const migrations = [...experimentsMigrations, ...fileMigrations]
  await migrate(db, [{ plugin: 'experiments', migrations }])
  const plain = memoryBlobs()
  const blobs = { ...plain, ...around(plain) }
  const clock = fakeClock()
  const files = new Files({ db, blobs, clock })
  const experiments = new Experiments({ db, blobs, clock, files })
  const add = (name: string, bytes: string | Uint8Array) =>
    files.add(who, name, new Blob([bytes as never]).stream())
  const has = async (text: string) => (await plain.info(digest(text))) !== null
  return { db, files, experiments, add, has, [Symbol.asyncDispose]: () => db.close() }
}

const given = { name: 'n', goal: 'g', evaluation: null, steps: 1, settings: {} }

test('bytes go with the last of a file, an experiment and its new files', async () => {
  await using rig = await open()
  const { add, files, experiments, has } = rig
  const first = await add('a.csv', 'first')
  const second = await add('b.csv', 'second')
  const { id } = await experiments.create(who, { ...given, files: [first.id] })
  await files.remove(who, first.id)
  expect(await has('first')).toBe(true)
  await experiments.update(who, id, { files: [second.id] })
  expect(await has('first')).toBe(false)
  await files.remove(who, second.id)
  expect(await has('second')).toBe(true)
  await experiments.remove(id)
  expect(await has('second')).toBe(false)
})

test('an archive leaves nothing behind when a later file is refused', async () => {
  await using rig = await open()
  const { add, experiments, has } = rig
  const archive = await add('a.zip', zipSync([{ name: 'a.csv', bytes: 'inside' }]))
  const broken = await add('b.zip', 'no archive')
  const refused = experiments.create(who, { ...given, files: [archive.id, broken.id] })
  await refused.catch(() => undefined)
  await expect(refused).rejects.toThrow('b.zip is not a zip archive')
  expect(await has('inside')).toBe(false)
  const entries = [
    { name: 'b.csv', bytes: 'sound' },
    { name: 'c.csv', bytes: 'false', crc: 1 },
  ]
  const falseOne = await add('c.zip', zipSync(entries))
  const mismatch = experiments.create(who, { ...given, files: [falseOne.id] })
  await expect(mismatch).rejects.toThrow('c.zip is broken: c.csv')
  expect([await has('sound'), await has('false')]).toEqual([false, false])
  const unknown = experiments.create(who, { ...given, files: [archive.id, 'file_0'] })
  await expect(unknown).rejects.toThrow('There is no file file_0')
  expect(await has('inside')).toBe(false)
})

test('an upload whose bytes go in the middle is refused, never a file without bytes', async () => {
  const gone = digest('same')
  await using rig = await open((blobs) => ({
    put: async (bytes) => {
      const stored = await blobs.put(bytes)
      // As if somebody deleted the only file with these bytes just now.
      if (stored.sha256 === gone) await blobs.delete(gone)
      return stored
    },
  }))
  const adding = rig.add('a.csv', 'same')
  await expect(adding).rejects.toThrow('A file was deleted at the same time; send it again')
  await adding.catch(() => undefined)
  expect(await rig.db.rows(sql`select id from experiments_file`)).toEqual([])
})

test('an experiment is not made of bytes that went in the middle', async () => {
  let isGone = false
  await using rig = await open((blobs) => ({
    info: async (sha256) => (isGone ? null : blobs.info(sha256)),
  }))
  const { id } = await rig.add('a.csv', 'same')
  isGone = true
  const making = rig.experiments.create(who, { ...given, files: [id] })
  await expect(making).rejects.toThrow('A file was deleted at the same time; send it again')
  await making.catch(() => undefined)
  expect(await rig.db.rows(sql`select id from experiments_experiment`)).toEqual([])
})
