/** Executors from outside are loaded, or refused with the name of the file. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { loadExecutor } from '../../src/cli/executor-file.ts'

const host = { attemptsDir: '/nowhere' }

test('a file outside of the program imports hearth/executor, and makes an executor', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'mine.ts')
  await Bun.write(
    file,
    `import { attemptFiles, type CreateExecutor } from 'hearth/executor'
    const nameOf = (folder: string) => attemptFiles(folder).log
    const create: CreateExecutor = (host) => ({ name: nameOf(host.attemptsDir) }) as never
    export default create`,
  )
  expect((await loadExecutor(file, host)).name).toBe('/nowhere/log')
})

test('a file that is not there or makes none is named', async () => {
  await using folder = await temporaryFolder()
  const empty = join(folder.path, 'empty.ts')
  await Bun.write(empty, 'export const create = () => null')
  await expect(loadExecutor('/nowhere.ts', host)).rejects.toThrow('no executor /nowhere.ts')
  await expect(loadExecutor(empty, host)).rejects.toThrow(`${empty} must export as default`)
})
