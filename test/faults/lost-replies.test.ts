/** The reply is lost after the commit, the client asks again: the points are there once. */
import { expect, test } from 'bun:test'
import { callJson, signUp, startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { startCuttingProxy } from './proxy.ts'
import { audit, clean, makeRuns } from './reading.ts'
import { post, startWriter } from './writer.ts'

test('batches with an id, points with a time and runs with a key come once', async () => {
  await using folder = await temporaryFolder()
  const hearth = await startHearth({ dataDir: folder.path, env: { RATE_LIMITS: 'off' } })
  const proxy = startCuttingProxy(hearth.origin, 3)
  try {
    const token = await signUp(hearth.origin)
    const [runId = 0, single = 0] = await makeRuns(hearth.origin, token, 2)
    const names = ['a', 'b', 'c', 'd']
    const writers = names.map((name) =>
      startWriter({ origin: () => proxy.origin, token, runId, name, pointsPerBatch: 10 }),
    )
    await waitUntil('lost replies', () => proxy.cuts >= 60)
    await Promise.all(writers.map((writer) => writer.finish()))
    for (const [index, name] of names.entries()) {
      const points = (writers[index]?.acknowledged ?? 0) * 10
      expect(await audit(hearth.origin, token, runId, name, points)).toEqual(clean(points))
    }

    const cutsBefore = proxy.cuts
    for (let step = 0; step < 30; step++) {
      const timestamp = new Date(1_767_225_600_000 + step).toISOString()
      const body = { name: 'loss', value: step, step, timestamp }
      while (!(await post(proxy.origin, token, `/metrics/${single}`, body))) continue
    }
    expect(proxy.cuts).toBeGreaterThanOrEqual(cutsBefore + 10)
    expect(await audit(hearth.origin, token, single, 'loss', 30)).toEqual(clean(30))

    const ids = new Set<number>()
    const { project_id: projectId } = await callJson<{ project_id: number }>(
      hearth.origin,
      token,
      'GET',
      `/runs/${runId}`,
    )
    for (let i = 0; i < 9; i++) {
      const path = `/runs/?project_id=${projectId}`
      const reply = await post(proxy.origin, token, path, { name: 'once', run_key: 'k' })
      if (reply) ids.add((JSON.parse(reply.body) as { id: number }).id)
    }
    expect(ids.size).toBe(1)
  } finally {
    proxy.stop()
    await hearth.end('SIGKILL')
  }
}, 120_000)
