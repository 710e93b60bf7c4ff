/** SIGTERM lets the requests in flight finish, closes what only waits, and refuses what is new. */
import { expect, test } from 'bun:test'
import { Glob } from 'bun'
import { callJson, signUp, startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { makeRuns } from './reading.ts'

test('an upload under way is kept, sockets are told, and the process ends with 0', async () => {
  await using folder = await temporaryFolder()
  const hearth = await startHearth({ dataDir: folder.path })
  try {
    const token = await signUp(hearth.origin)
    const [runId] = await makeRuns(hearth.origin, token, 1)
    const watcher = new WebSocket(`${hearth.origin}/ws/${runId}?token=${token}`)
    await new Promise((resolve) => (watcher.onopen = resolve))
    const closed = new Promise<number>((resolve) => (watcher.onclose = ({ code }) => resolve(code)))

    const files = () => [...new Glob('**/*').scanSync(folder.path)].length
    const filesBefore = files()
    const upload = Promise.withResolvers<void>()
    async function* bytes() {
      yield Buffer.alloc(100_000, 'a')
      await upload.promise
      yield Buffer.alloc(100_000, 'b')
    }
    const reply = fetch(`${hearth.origin}/runs/${runId}/artifacts/model.bin`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}` },
      body: bytes(),
    })
    await waitUntil('the upload to reach the disk', () => files() > filesBefore)
    process.kill(hearth.pid, 'SIGTERM')
    await waitUntil('new connections to be refused', () =>
      fetch(`${hearth.origin}/health`, { headers: { connection: 'close' } }).then(
        ({ status }) => status === 503,
        () => true,
      ),
    )
    upload.resolve()
    expect((await reply).status).toBe(200)
    expect(await closed).toBe(1001)
    expect(await hearth.exited).toBe(0)

    const again = await startHearth({ dataDir: folder.path })
    const path = `/runs/${runId}/artifacts`
    const kept = await callJson<{ path: string; size: number }[]>(again.origin, token, 'GET', path)
    expect(kept.map(({ path, size }) => ({ path, size }))).toEqual([
      { path: 'model.bin', size: 200_000 },
    ])
    expect(await again.end()).toBe(0)
  } finally {
    await hearth.end('SIGKILL')
  }
}, 60_000)
