/** Ends of jobs are heard, or found by looking; nobody waits for what cannot come. */
import { expect, test } from 'bun:test'
import { Ends } from '../../../../plugins/experiments/execution/ends.ts'
import { HearthError, type JobView, type Who } from '../../../../src/sdk.ts'
import { fakeClock } from '../../../../src/testing.ts'

const who: Who = { id: 1, username: 'ada', isSuperuser: false, via: 'key' }

/** A job that is seen as `seen` says; null: it was deleted. */
const bench = (seen: { view: Partial<JobView> | null }) => {
  const finished: ((job: JobView) => void)[] = []
  const clock = fakeClock()
  const jobs = {
    onFinished: (_kind: string, listener: (job: JobView) => void) => void finished.push(listener),
    get: async () => {
      if (!seen.view) throw new HearthError('not_found', 'There is no job')
      return { id: 'job', kind: 'kind', detail: null, ...seen.view } as JobView
    },
  }
  const finish = () => finished.forEach((listener) => listener({ id: 'job' } as JobView))
  return { clock, finish, ends: new Ends(jobs, clock, 'kind') }
}

const turn = () => Bun.sleep(0)

test('an end is heard at once', async () => {
  const seen = { view: { state: 'running' } as Partial<JobView> }
  const { ends, finish } = bench(seen)
  const end = ends.of(who, 'job')
  await turn()
  seen.view = { state: 'failed' }
  finish()
  expect((await end).state).toBe('failed')
})

test('an end that nobody told of is found', async () => {
  const seen = { view: { state: 'running' } as Partial<JobView> }
  const { ends, clock } = bench(seen)
  const end = ends.of(who, 'job')
  await turn()
  seen.view = { state: 'succeeded' }
  clock.advance(5_000)
  expect((await end).state).toBe('succeeded')
})

test('whoever waits for a job that is deleted is told', async () => {
  const seen: { view: Partial<JobView> | null } = { view: { state: 'running' } }
  const { ends, finish } = bench(seen)
  const end = ends.of(who, 'job')
  await turn()
  seen.view = null
  finish()
  await expect(end).rejects.toMatchObject({ code: 'not_found' })
})

test('a job that no node would take is given up when patience ends, not before', async () => {
  const hopeless: Partial<JobView> = { state: 'queued', detail: 'waiting: no node is online' }
  const seen = { view: hopeless }
  const { ends, clock } = bench(seen)
  const end = ends.of(who, 'job', 60_000)
  const pass = async (times: number): Promise<string> => {
    for (let n = 0; n < times; n++) {
      await turn()
      clock.advance(5_000)
    }
    await turn()
    return Bun.peek.status(end)
  }
  expect(await pass(11)).toBe('pending')
  // There was hope for a moment: patience begins anew.
  seen.view = { state: 'queued', detail: null }
  expect(await pass(1)).toBe('pending')
  seen.view = hopeless
  expect(await pass(12)).toBe('pending')
  expect(await pass(1)).toBe('fulfilled')
  expect(await end).toMatchObject(hopeless)
})
