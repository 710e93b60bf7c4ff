/** Collecting what a job leaves: named or matched, and no trick of a hostile program works. */
import { describe, expect, test } from 'bun:test'
import { link, mkdir, open, readFile, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { snapshotOf } from '../../../runners/workspace/output-file.ts'
import { collectOutputs, type Named, readOutput } from '../../../runners/workspace/outputs.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'
import { digest } from './fixture.ts'

const leftovers = async (files: Record<string, string>) => {
  const temporary = await temporaryFolder()
  const folder = join(temporary.path, 'attempt')
  const work = join(folder, 'work')
  await mkdir(work, { recursive: true })
  for (const [path, content] of Object.entries(files)) await Bun.write(join(work, path), content)
  await writeFile(join(temporary.path, 'secret'), 'the database')
  return {
    folder,
    work,
    secret: join(temporary.path, 'secret'),
    collect: (outputs: string[], named: Named[] = [], limits = {}) =>
      collectOutputs({ folder, plan: { outputs }, named, ...limits }),
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  }
}

const artifact = (path: string, content: string, kind = 'artifact' as Named['kind']) => ({
  path,
  sha256: digest(content),
  sizeBytes: content.length,
  kind,
})
const named = (path: string, kind = 'artifact' as Named['kind']): Named => ({ path, kind })

test('named files and matching ones, each once, by path', async () => {
  await using job = await leftovers({
    'out/model.onnx': 'm',
    'out/deep/er/report.txt': 'r',
    'out/.hidden': 'h',
    'plot.png': 'p',
    'logs/a.txt': 'a',
    'logs/b.csv': 'b',
    'cache/x': 'x',
  })
  const found = await job.collect(
    ['out/**', '*.png', 'logs/*.txt'],
    [named('./out/model.onnx'), named(join(job.work, 'cache/x'))],
  )
  expect(found).toEqual({
    artifacts: [
      artifact('cache/x', 'x'),
      artifact('logs/a.txt', 'a'),
      artifact('out/.hidden', 'h'),
      artifact('out/deep/er/report.txt', 'r'),
      artifact('out/model.onnx', 'm'),
      artifact('plot.png', 'p'),
    ],
    problems: [],
  })
  await using file = await readOutput(job.folder, artifact('plot.png', 'p'))
  expect(await file.readFile('utf8')).toBe('p')
})

test('a folder stands for what is in it, named or as a pattern', async () => {
  await using job = await leftovers({ 'a/b/c': '1', 'a/d': '2', 'e/f': '3' })
  expect(await job.collect(['a/'], [named('e')])).toEqual({
    artifacts: [artifact('a/b/c', '1'), artifact('a/d', '2'), artifact('e/f', '3')],
    problems: [],
  })
})

test('only the last checkpoint is kept as one', async () => {
  await using job = await leftovers({ 'c/1': '1', 'c/2': '2', 'c/3': '3' })
  const events = [named('c/1', 'checkpoint'), named('c/3', 'checkpoint'), named('c/3')]
  expect(await job.collect([], events)).toEqual({
    artifacts: [artifact('c/3', '3', 'checkpoint')],
    problems: [],
  })
  expect((await job.collect(['c/*'], events)).artifacts).toEqual([
    artifact('c/1', '1'),
    artifact('c/2', '2'),
    artifact('c/3', '3', 'checkpoint'),
  ])
  expect((await job.collect([], [named('c', 'checkpoint')])).problems).toEqual([
    '"c" is a folder, not one file',
  ])
})

describe('tricks', () => {
  test('links that stay inside are files, links that lead out are refused', async () => {
    await using job = await leftovers({ 'out/step-9.pt': '9' })
    await symlink('step-9.pt', join(job.work, 'out/latest.pt'))
    await symlink(job.secret, join(job.work, 'out/stolen'))
    await symlink('../../../secret', join(job.work, 'out/relative'))
    await symlink('loop', join(job.work, 'out/loop'))
    await symlink('/', join(job.work, 'root'))
    const path = job.secret.slice(1)
    expect(await job.collect(['out/*', 'root/**'], [named(`root/${path}`), named('root')])).toEqual(
      {
        artifacts: [artifact('out/latest.pt', '9'), artifact('out/step-9.pt', '9')],
        problems: [
          '"out/loop" cannot be read (ELOOP)',
          '"out/relative" leads out of the work folder',
          '"out/stolen" leads out of the work folder',
          '"root" leads out of the work folder',
          `"root/${path}" leads out of the work folder`,
        ],
      },
    )
  })

  test('hard links count only when all their names are inside', async () => {
    await using job = await leftovers({ a: 'same' })
    await link(join(job.work, 'a'), join(job.work, 'b'))
    await link(job.secret, join(job.work, 'stolen'))
    expect(await job.collect(['*'])).toEqual({
      artifacts: [artifact('a', 'same'), artifact('b', 'same')],
      problems: ['"stolen" is a hard link to a file outside of the work folder'],
    })
  })

  test('pipes, sockets, devices and folders are not read', async () => {
    await using job = await leftovers({ 'd/f': 'f' })
    await Bun.$`mkfifo ${join(job.work, 'pipe')}`
    await symlink('/dev/zero', join(job.work, 'zero'))
    const server = createServer().listen(join(job.work, 'socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    const found = await job.collect(
      ['*'],
      [named('pipe'), named('socket'), named('/dev/zero'), named('/etc/passwd')],
    )
    server.close()
    expect(found).toEqual({
      artifacts: [artifact('d/f', 'f')],
      problems: [
        expect.stringContaining('dev/zero" is not a path inside the work folder'),
        expect.stringContaining('etc/passwd" is not a path inside the work folder'),
        '"pipe" is not a file',
        '"socket" is not a file',
        '"zero" leads out of the work folder',
      ],
    })
  })

  test('names that could lie on a screen or a server are left out', async () => {
    await using job = await leftovers({ 'ok é': '1' })
    await writeFile(join(job.work, 'a\nb'), '')
    await writeFile(join(job.work, 'a\u001b[2J'), '')
    await writeFile(join(job.work, 'a\\b'), '')
    await writeFile(Buffer.concat([Buffer.from(`${job.work}/`), Buffer.from([0xff, 0xfe])]), '')
    const { artifacts, problems } = await job.collect(['**'], [named('../secret'), named('a\0b')])
    expect(artifacts.map(({ path }) => path)).toEqual(['ok é'])
    expect(problems).toHaveLength(6)
  })

  test('a folder swapped for a link to outside while it is read gives nothing away', async () => {
    await using job = await leftovers({ 'd/f': 'mine' })
    await Bun.write(join(job.folder, 'other/f'), 'stolen')
    const swap = 'cd "$0"; while :; do mv d real; ln -s ../other d; rm d; mv real d; done'
    const swapping = Bun.spawn(['sh', '-c', swap, job.work], { stderr: 'ignore' })
    try {
      for (let n = 0; n < 300; n++) {
        const { artifacts } = await job.collect([], [named('d/f')])
        for (const { sha256 } of artifacts) expect(sha256).toBe(digest('mine'))
      }
    } finally {
      swapping.kill(9)
      await swapping.exited
    }
  })
})

test('limits of number and size leave the rest out and say so', async () => {
  await using job = await leftovers({ a: '1'.repeat(60), b: '2'.repeat(60), c: '3'.repeat(30) })
  expect(await job.collect(['*'], [], { maxFiles: 2 })).toEqual({
    artifacts: [artifact('a', '1'.repeat(60)), artifact('b', '2'.repeat(60))],
    problems: ['more than 2 files are to be kept: the rest is left out'],
  })
  expect(await job.collect(['*'], [], { maxBytes: 100 })).toEqual({
    artifacts: [artifact('a', '1'.repeat(60)), artifact('c', '3'.repeat(30))],
    problems: ['"b" is left out: the outputs are too large'],
  })
})

test('a file that changes while it is read is read again, or reported', async () => {
  await using job = await leftovers({ a: 'first' })
  const path = join(job.work, 'a')
  await using file = await open(path)
  let changes = 1
  const stat = file.stat.bind(file)
  const changing = Object.assign(Object.create(file) as typeof file, {
    read: file.read.bind(file),
    stat: async (...options: []) => {
      const info = await stat(...options)
      if (changes-- > 0) await writeFile(path, `version ${changes}`)
      return info
    },
  })
  expect(await snapshotOf(changing)).toEqual({
    sha256: digest(await readFile(path)),
    sizeBytes: 'version 0'.length,
  })
  changes = 1000
  expect(await snapshotOf(changing)).toBeNull()
})
