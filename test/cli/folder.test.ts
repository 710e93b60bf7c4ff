/** Which files go with a job: the same ones that Git would keep. */
import { expect, test } from 'bun:test'
import { chmod, mkdir, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { must } from '../../scripts/command.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { listFolder } from '../../src/cli/folder.ts'

const write = async (root: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await Bun.write(join(root, path), text)
  }
}

const listed = async (root: string): Promise<string[]> =>
  (await listFolder(root)).files.map(({ path }) => path)

const tree = {
  '.gitignore': '*.log\n/build\ndata/*\n!data/keep.csv\n# no\n\\#odd\nfoo/**/bar\n',
  'a.py': '',
  'a.log': '',
  '#odd': '',
  'build/x': '',
  'src/build/y': '',
  'data/big.bin': '',
  'data/keep.csv': '',
  'foo/1/2/bar': '',
  'foo/1/2/baz': '',
  'sub/.gitignore': '!important.log\n*.tmp\n/only-here\n',
  'sub/important.log': '',
  'sub/x.tmp': '',
  'sub/only-here': '',
  'sub/deep/only-here': '',
  'sub/deep/other.log': '',
  'x.tmp': '',
}

test('the files that Git would add, nested rules and negations included', async () => {
  await using folder = await temporaryFolder()
  await write(folder.path, tree)
  const git = (...args: string[]) => must(['git', ...args], { cwd: folder.path })
  await git('init', '-q')
  const known = await git('ls-files', '--others', '--exclude-standard')
  const wanted = known.trim().split('\n').sort()
  expect(wanted.length).toBeGreaterThan(5)
  expect((await listed(folder.path)).sort()).toEqual(wanted)
  const within = await listed(join(folder.path, 'sub'))
  expect(within).toEqual(['.gitignore', 'deep/only-here', 'important.log'])
})

test('.hearthignore has the last word; caches stay home without any rule', async () => {
  await using folder = await temporaryFolder()
  await write(folder.path, {
    '.gitignore': '*.bin\n',
    '.hearthignore': '!model.bin\nnotes/\n',
    'model.bin': '',
    'other.bin': '',
    'notes/a': '',
    '__pycache__/a.pyc': '',
    '.venv/bin/python': '',
  })
  expect(await listed(folder.path)).toEqual(['.gitignore', '.hearthignore', 'model.bin'])
})

test('links inside are followed, programs stay programs, pipes are left out', async () => {
  await using folder = await temporaryFolder()
  await write(folder.path, { 'real/a.txt': 'hello', 'go.sh': '' })
  await chmod(join(folder.path, 'go.sh'), 0o755)
  await symlink('real', join(folder.path, 'latest'))
  await symlink('real/a.txt', join(folder.path, 'a.txt'))
  await must(['mkfifo', join(folder.path, 'pipe')])
  const { files, remarks } = await listFolder(folder.path)
  expect(files.map(({ path, sizeBytes, executable }) => [path, sizeBytes, executable])).toEqual([
    ['a.txt', 5, false],
    ['go.sh', 0, true],
    ['latest/a.txt', 5, false],
    ['real/a.txt', 5, false],
  ])
  expect(remarks).toEqual(['pipe is left out: it is no file'])
})

test.each([
  ['/etc', 'the link away leads out of the folder, to /etc'],
  ['nothing', 'the link away leads nowhere'],
  ['.', 'the link away leads to a folder that it lies in'],
])('a link to %s is refused, unless a rule names it', async (target, message) => {
  await using folder = await temporaryFolder()
  await symlink(target, join(folder.path, 'away'))
  await expect(listFolder(folder.path)).rejects.toThrow(message)
  await Bun.write(join(folder.path, '.hearthignore'), 'away\n')
  expect(await listed(folder.path)).toEqual(['.hearthignore'])
})

test('names that no node takes are told before anything is sent', async () => {
  await using folder = await temporaryFolder()
  await Bun.write(join(folder.path, 'a\nb'), '')
  await expect(listFolder(folder.path)).rejects.toThrow('cannot be used on a node')
})

test('nobody sends all they have by accident', async () => {
  for (const path of ['/', homedir()]) {
    await expect(listFolder(path)).rejects.toThrow('would be sent as a whole')
  }
})

test('the data folder of a server stays home, wherever it lies', async () => {
  await using folder = await temporaryFolder()
  await write(folder.path, {
    'train.py': '',
    'data/hearth.sqlite': '',
    'data/lock.sqlite': '',
    'data/lock.pid': '1',
    'data/secret.key': 'secret',
    'data/jobs/x/log': '',
  })
  const { files, remarks } = await listFolder(folder.path)
  expect(files.map(({ path }) => path)).toEqual(['train.py'])
  expect(remarks).toEqual(['data is left out: it is the data folder of a server'])
})
