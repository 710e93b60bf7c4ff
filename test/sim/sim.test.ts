/** The whole program under simulated time, network and disks, from one seed a schedule. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'

/** In a process of its own: it replaces the files, time and chance of whatever runs in it. */
const simulate = async (...args: string[]): Promise<string> => {
  const main = join(import.meta.dir, 'main.ts')
  const child = Bun.spawn([process.execPath, main, ...args], { stdout: 'pipe', stderr: 'inherit' })
  const [said, status] = await Promise.all([child.stdout.text(), child.exited])
  if (status !== 0) throw new Error(said)
  return said.trim().split('\n').at(-1) ?? ''
}

test('what is promised holds in random schedules of the whole program', async () => {
  const count = Number(process.env.SIM_SCHEDULES ?? 300)
  const done = await simulate('--from', process.env.SIM_SEED ?? '1', '--count', String(count))
  expect(JSON.parse(done)).toMatchObject({ schedules: count })
}, 900_000)

test('a seed tells the same story twice', async () => {
  const done = await simulate('--from', '1000001', '--count', '10', '--twice')
  expect(JSON.parse(done)).toMatchObject({ schedules: 10 })
}, 120_000)
