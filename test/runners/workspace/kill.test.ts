/** Kills a node that places inputs, again and again: it always ends with all of them. */
import { expect, test } from 'bun:test'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { digest } from './fixture.ts'
import { contentOf } from './kill-contents.ts'

const kills = 5

test('a node that is killed goes on with what it has', async () => {
  await using temporary = await temporaryFolder()
  const path = (name: string) => join(temporary.path, name)
  await mkdir(path('attempt'))
  const fixture = join(import.meta.dir, 'prepare-fixture.ts')
  const prepare = (killAfterBytes: number) =>
    Bun.spawn(
      [
        ...[process.execPath, fixture, path('attempt'), path('inputs'), path('requests')],
        String(killAfterBytes),
      ],
      { stderr: 'inherit' },
    )
  for (let kill = 0; kill < kills; kill++) {
    const node = prepare(50_000 + kill * 20_000)
    await node.exited
    expect(node.signalCode).toBe('SIGKILL')
  }
  expect(await prepare(Number.POSITIVE_INFINITY).exited).toBe(0)

  for (const [name, content] of Object.entries(contentOf)) {
    expect(digest(await readFile(join(path('attempt'), 'work', name)))).toBe(digest(content))
  }
  expect(await readdir(path('attempt'))).toEqual(['work'])
  const files = await readdir(path('attempt/work'), { recursive: true, withFileTypes: true })
  expect(files.filter((entry) => entry.isFile())).toHaveLength(Object.keys(contentOf).length)
  const offsets = (await readFile(path('requests'), 'utf8')).trim().split('\n').map(Number)
  expect(Math.max(...offsets)).toBeGreaterThan(50_000)
}, 60_000)
