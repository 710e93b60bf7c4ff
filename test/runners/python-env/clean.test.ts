/** Cleaning environments: the old and the least used go, what a job uses or builds stays. */
import { afterAll, expect, test } from 'bun:test'
import { readdir, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFiles } from '../../../runners/python-env/cache-files.ts'
import { cleanEnvironments } from '../../../runners/python-env/clean.ts'
import { ensureEnvironment } from '../../../runners/python-env/environment.ts'
import { tryLock } from '../../../runners/python-env/file-lock.ts'
import { pythonNode } from './wheels.ts'

const timeoutMs = 120_000
const node = await pythonNode()
afterAll(() => node[Symbol.asyncDispose]())

const hourMs = 3_600_000
const nowMs = Date.parse('2026-01-10T00:00:00Z')

/** An environment of its own, without packages, last asked for hours ago. */
const environment = async (option: string, usedBy: string, hoursAgo: number) => {
  const { key } = await ensureEnvironment(
    { requirements: [option] },
    { cacheDir: node.cacheDir, usedBy, env: node.env },
  )
  const time = new Date(nowMs - hoursAgo * hourMs)
  await utimes(cacheFiles(node.cacheDir, key).record, time, time)
  return key
}

const clean = (maxAgeHours: number, maxBytes = Number.POSITIVE_INFINITY) =>
  cleanEnvironments(node.cacheDir, { maxAgeMs: maxAgeHours * hourMs, maxBytes, nowMs })

const keys = async () =>
  new Set((await readdir(node.cacheDir)).flatMap((name) => /^\w{32}/.exec(name)?.[0] ?? []))

test(
  'by age and by size, never one that is used or being built',
  async () => {
    const gone = await node.job('gone')
    const running = await node.job('running')
    const old = await environment('--pre', gone, 50)
    const used = await environment('--no-index', running, 90)
    const newer = await environment('--prefer-binary', gone, 20)
    const newest = await environment('--require-hashes', gone, 10)
    await rm(gone, { recursive: true })

    expect(await clean(100)).toEqual([])
    {
      using _build = tryLock(cacheFiles(node.cacheDir, old).lock)
      expect(await clean(40)).toEqual([])
    }
    expect(await clean(40)).toEqual([old])
    expect(await keys()).toEqual(new Set([used, newer, newest]))
    expect((await readdir(join(node.cacheDir, 'uses'))).includes(old)).toBe(false)

    const record = await Bun.file(cacheFiles(node.cacheDir, newest).record).json()
    expect(record.sizeBytes).toBeGreaterThan(1000)
    expect(await clean(100, record.sizeBytes * 2.5)).toEqual([newer])
    await rm(running, { recursive: true })
    expect(await clean(0)).toEqual([used, newest])
    expect(await readdir(node.cacheDir)).toEqual(['uses'])
  },
  timeoutMs,
)
