/** The lives of an agent's process: an earlier one cannot lock a later one out. */
import { expect, test } from 'bun:test'
import { openLab, openTestDatabase } from './fixture.ts'

test('what an earlier life of an agent sent locks nobody out, however late it comes', async () => {
  const { db, drop } = await openTestDatabase('sqlite')
  const lab = await openLab(db)
  const node = await lab.node('restarted')
  const say = async (boot: string) => (await node.rawSync({ boot })).status
  // The second life ended before its first words arrived.
  expect([await say('9.a'), await say('11.c'), await say('10.b')]).toEqual([200, 200, 409])
  expect([await say('11.c'), await say('9.a'), await say('12.d')]).toEqual([200, 409, 200])
  await lab[Symbol.asyncDispose]()
  await drop()
})

test('a job waits for no clock but its own not_before', async () => {
  const { db, drop } = await openTestDatabase('sqlite')
  const lab = await openLab(db)
  const node = await lab.node('punctual')
  const job = await lab.submit()
  // As when the clock of the server was an hour ahead, and was set.
  const now = lab.clock.now()
  lab.clock.now = () => now - 3_600_000
  expect((await node.work()).map((work) => work.job)).toEqual([job.id])
  await lab[Symbol.asyncDispose]()
  await drop()
})
