/** The programs that documents show: each is paused or killed, goes on, and misses nothing. */
import { describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { testWith } from '../../faults/needs.ts'
import { findPythons } from '../../sdk/pythons.ts'
import { type JobFolder, jobFolder } from './job-folder.ts'

const timeoutMs = 120_000
const root = join(import.meta.dir, '../../..')
const examples = join(root, 'runners/python/examples')
const python = (await findPythons()).at(-1)?.path ?? 'python3'
const scientific = process.env['HEARTH_TEST_PYTHON'] ?? join(root, '.cache/test-venv/bin/python')

const checkpointOf = async (job: JobFolder): Promise<string> => {
  const events = await job.events()
  const last = events.findLast((event) => (event as { type?: string }).type === 'checkpoint')
  return (last as { path?: string } | undefined)?.path ?? ''
}

/** A new attempt: a fresh work folder with nothing but the checkpoint. */
const freshAttempt = async (job: JobFolder): Promise<{ HEARTH_CHECKPOINT: string }> => {
  const checkpoint = await checkpointOf(job)
  await rename(job.path('work'), job.path('before'))
  await mkdir(job.path('work'))
  await rename(join(job.path('before'), checkpoint), join(job.path('work'), checkpoint))
  await rm(job.path('control'), { force: true })
  return { HEARTH_CHECKPOINT: checkpoint }
}

const progressOf = async (job: JobFolder): Promise<number[]> =>
  (await job.events()).flatMap((event) => {
    const { type, done } = event as { type?: string; done?: number }
    return type === 'progress' && done !== undefined ? [done] : []
  })

const countTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1)

describe('docs/job-programs.md', async () => {
  const text = await readFile(join(root, 'docs/job-programs.md'), 'utf8')
  const blocks = [...text.matchAll(/^```python\n(.*?)^```$/gms)].map(([, code]) => code ?? '')

  test('shows programs', () => {
    expect(blocks).toHaveLength(2)
  })

  test.each(blocks.map((code, n) => [n + 1, code] as const))(
    'program %d is paused and goes on',
    async (_, code) => {
      await using job = await jobFolder()
      const running = job.start([python, '-c', `${code}`.replace('# the work', '; print(step)')], {
        PYTHONUNBUFFERED: '1',
      })
      await running.said('5\n')
      await running.ask('pause')
      expect(await running.ended()).toMatchObject({ exitCode: 0, stderr: '' })
      const before = await progressOf(job)
      expect(before.length).toBeLessThan(50)
      const resumed = await job.run([python, '-c', code], await freshAttempt(job))
      expect(resumed).toMatchObject({ exitCode: 0, stderr: '' })
      expect(await progressOf(job)).toEqual(countTo(50))
    },
    timeoutMs,
  )
})

test(
  'count.py counts on after a pause, and keeps the sum',
  async () => {
    await using job = await jobFolder()
    const argv = [python, '-W', 'ignore', join(examples, 'count.py'), '60', '0.01']
    const running = job.start(argv)
    await running.said('7\n')
    await running.ask('pause')
    const first = await running.ended()
    expect(first).toMatchObject({ exitCode: 1, stderr: '' })
    const second = await job.run(argv, await freshAttempt(job))
    expect(second).toMatchObject({ exitCode: 0, stderr: '' })
    const numbers = (first.stdout + second.stdout).trim().split('\n').map(Number)
    expect(numbers).toEqual(countTo(60).map((n) => n - 1))
    expect((await job.events()).at(-1)).toEqual({ type: 'artifact', path: 'sum.txt' })
    expect(await readFile(join(job.path('work'), 'sum.txt'), 'utf8')).toBe('1770\n')
  },
  timeoutMs,
)

describe('train_digits.py', () => {
  const argv = [scientific, join(examples, 'train_digits.py'), '--epochs', '12', '--every', '4']
  const modelOf = async (job: JobFolder) =>
    (await readFile(join(job.path('work'), 'out/digits.npz'))).toString('base64')
  const pythonTest = existsSync(scientific) ? test : testWith('python')

  pythonTest(
    'gives the same model whether it was paused, killed, or left alone',
    async () => {
      await using alone = await jobFolder()
      expect(await alone.run(argv)).toMatchObject({ exitCode: 0, stderr: '' })
      const model = await modelOf(alone)
      const metrics = (await alone.events()).filter((event) =>
        ['metric', 'artifact'].includes((event as { type: string }).type),
      )
      expect(metrics).toHaveLength(25)

      await using paused = await jobFolder()
      const pausing = paused.start(argv)
      await pausing.said('epoch 2:')
      await pausing.ask('pause')
      expect(await pausing.ended()).toMatchObject({ exitCode: 0, stderr: '' })
      expect(await paused.run(argv, await freshAttempt(paused))).toMatchObject({ exitCode: 0 })
      expect(await modelOf(paused)).toBe(model)
      const told = (await paused.events()).filter((event) =>
        ['metric', 'artifact'].includes((event as { type: string }).type),
      )
      expect(told).toEqual(metrics)

      await using killed = await jobFolder()
      const killing = killed.start(argv)
      await killing.said('epoch 5:')
      killing.kill()
      expect(await killing.ended()).toMatchObject({ signal: 'SIGKILL' })
      const resumed = await killed.run(argv, await freshAttempt(killed))
      expect(resumed).toMatchObject({ exitCode: 0 })
      expect(resumed.stdout).not.toContain('epoch 4:')
      expect(await modelOf(killed)).toBe(model)
    },
    timeoutMs,
  )
})
