/** A data folder has one owner, and keeps it as long as that owner lives. */
import { expect, test } from 'bun:test'
import { spawnHearth, startHearth } from '../../scripts/hearth.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'

test('a second server on the same folder is refused and the first goes on', async () => {
  await using folder = await temporaryFolder()
  const first = await startHearth({ dataDir: folder.path })
  try {
    const second = spawnHearth({ dataDir: folder.path })
    expect(await second.child.exited).toBe(1)
    await second.read
    expect(second.output()).toContain(folder.path)
    expect(second.output()).toContain(`${first.pid}`)
    expect((await fetch(`${first.origin}/health`)).status).toBe(200)

    await first.end('SIGKILL')
    const third = await startHearth({ dataDir: folder.path })
    expect(await third.end()).toBe(0)
  } finally {
    await first.end('SIGKILL')
  }
}, 60_000)
