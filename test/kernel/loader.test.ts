/** Loading plugins from outside: what is found, what is refused, and in which words. */
import { expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { discoverPlugins, loadExternal } from '../../src/kernel/loader.ts'
import { silentLogger } from '../../src/kernel/log.ts'
import { BootError } from '../../src/kernel/order.ts'

const problem = async (path: string, settings = {}) => {
  try {
    await loadExternal([path], settings, silentLogger)
  } catch (error) {
    if (error instanceof BootError) return error.problems.join('\n')
    throw error
  }
  return ''
}

test('says what is wrong with a path', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'hearth-empty-'))
  expect(await problem(join(empty, 'none.ts'))).toContain('does not exist')
  expect(await problem(empty)).toContain('has no index.ts')
  writeFileSync(join(empty, 'index.ts'), 'export default 7')
  expect(await problem(empty)).toContain('must export definePlugin')
  rmSync(empty, { recursive: true })
})

test('a path under the wrong name is refused', async () => {
  const path = join(import.meta.dir, '../../docs/examples/guestbook')
  const settings = { other: { path } }
  expect(await problem(path, settings)).toContain('leads to a plugin with the id guestbook')
})

test('finds plugins in a working folder, but never those of the program', () => {
  const work = mkdtempSync(join(tmpdir(), 'hearth-discover-'))
  mkdirSync(join(work, 'plugins/whole'), { recursive: true })
  mkdirSync(join(work, 'plugins/no-index'))
  for (const name of ['one.ts', 'one.test.ts', 'whole/index.ts', 'no-index/other.ts']) {
    writeFileSync(join(work, 'plugins', name), '')
  }
  const found = ['one.ts', 'whole'].map((name) => join(work, 'plugins', name))
  expect(discoverPlugins(work)).toEqual(found)
  expect(discoverPlugins(join(import.meta.dir, '../..'))).toEqual([])
  expect(discoverPlugins(join(work, 'plugins'))).toEqual([])
  rmSync(work, { recursive: true })
})
