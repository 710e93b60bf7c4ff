/** Restarts, lost nodes, deleted jobs: no program begins needlessly, and nobody waits in vain. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { notRun } from '../../../../plugins/experiments/engine/without-code.ts'
import type { ProcessIdentity } from '../../../../runners/process/proc.ts'
import { temporaryFolder } from '../../../../scripts/temporary.ts'
import { openRig, owner, printed, requestOf, type Rig } from './rig.ts'

setDefaultTimeout(60_000)

let rig: Rig

beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig?.[Symbol.asyncDispose]())

/** Says that it began, and goes on when it is let. */
const patient = `import os, time
print('begun', flush=True)
while not os.path.exists('working/go'): time.sleep(0.01)
print('gone on')`

const letGo = (on: Rig, jobId: string, attempt?: number): void =>
  writeFileSync(join(on.files(jobId, attempt).work, 'working/go'), '')

const killShim = (jobId: string, attempt?: number): void => {
  const { claimed } = rig.files(jobId, attempt)
  process.kill((JSON.parse(readFileSync(claimed, 'utf8')) as ProcessIdentity).pid, 'SIGKILL')
}

test('after a restart a program that runs is taken up by its key', async () => {
  await using folder = await temporaryFolder()
  const before = await openRig({ dataDir: folder.path })
  const same = { attempt: 'node_1' }
  const { jobId, end } = await before.begin(patient, same)
  await printed(before.files(jobId), 'begun\n')
  void end.catch(() => undefined)
  await before[Symbol.asyncDispose]()

  await using after = await openRig({ dataDir: folder.path })
  const again = await after.begin(patient, { ...same, timeoutMs: 50_000 })
  expect(again.jobId).toBe(jobId)
  letGo(after, jobId)
  expect(await again.end).toMatchObject({
    jobId,
    failure: null,
    output: { head: 'begun\ngone on\n' },
  })
  expect((await after.jobs.get(owner, jobId)).attempt).toBe(1)
  // And once it has ended, its end is read as often as anybody asks.
  expect(await after.run(patient, same)).toEqual(await again.end)
})

test('a program that is lost begins once more, and no more than that', async () => {
  const first = await rig.begin(patient)
  await printed(rig.files(first.jobId), 'begun\n')
  killShim(first.jobId)
  await printed(rig.files(first.jobId, 2), 'begun\n')
  letGo(rig, first.jobId, 2)
  expect(await first.end).toMatchObject({ failure: null, output: { head: 'begun\ngone on\n' } })

  const same = { attempt: 'node_lost' }
  const second = await rig.begin(patient, same)
  for (const attempt of [1, 2]) {
    await printed(rig.files(second.jobId, attempt), 'begun\n')
    killShim(second.jobId, attempt)
  }
  expect(await second.end).toMatchObject({ failure: 'lost', output: { head: 'begun\n' } })
  expect(await rig.run(patient, same)).toEqual(await second.end)
  expect((await rig.jobs.get(owner, second.jobId)).attempt).toBe(2)
})

test('what is aborted before it has begun never begins', async () => {
  const { jobId, end, abort } = await rig.begin(patient, { cpus: 1000 })
  abort()
  expect(await end).toMatchObject({ failure: 'cancelled', output: { totalBytes: 0 } })
  expect((await rig.jobs.get(owner, jobId)).attempt).toBe(0)
})

test('one whose job is deleted is lost', async () => {
  const deleted = async (jobId: string) => {
    await rig.jobs.cancel(owner, jobId)
    await rig.jobs.remove(owner, jobId)
  }
  const request = requestOf(patient, { cpus: 1000 })
  const run = await rig.executor.run(request, deleted, new AbortController().signal)
  const message = 'Its job was deleted before its results were kept'
  expect(run).toEqual({ ...notRun, jobId: expect.any(String), failure: 'lost', message })
})
