/** Environments of Python packages: built once, whole or not at all, and by wheels alone. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ensureEnvironment } from '../../../runners/python-env/environment.ts'
import { tryLock } from '../../../runners/python-env/file-lock.ts'
import { PrepareError } from '../../../runners/workspace/prepare-error.ts'
import { run } from '../../../scripts/command.ts'
import { testWith } from '../../faults/needs.ts'
import { type PythonNode, pythonNode } from './wheels.ts'

const timeoutMs = 120_000
const root = join(import.meta.dir, '../../..')
const fixture = join(import.meta.dir, 'ensure-fixture.ts')
let node: PythonNode

beforeAll(async () => {
  node = await pythonNode()
  for (const version of ['1.0', '2.0']) await node.wheel('tiny', version)
}, timeoutMs)
afterAll(() => node[Symbol.asyncDispose](), timeoutMs)

const ensure = (requirements: string[], more: { version?: string; signal?: AbortSignal } = {}) => {
  const { version, ...options } = more
  const phases: string[] = []
  const environment = ensureEnvironment(
    { requirements, ...(version && { version }) },
    {
      cacheDir: node.cacheDir,
      usedBy: node.shelf,
      env: node.env,
      report: (detail) => phases.push(detail),
      ...options,
    },
  )
  return environment.then((built) => ({ ...built, phases }))
}

const foldersOf = async (key: string) =>
  (await readdir(node.cacheDir)).filter((name) => name.startsWith(`${key}-`))

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

test(
  'packages and their commands work, the same wish gets the same environment at once',
  async () => {
    const built = await ensure(['tiny==1.0'])
    expect(built.phases[0]).toStartWith('making an environment of Python 3.')
    expect(built.phases).toContain('installing tiny==1.0')
    const program = 'import tiny; tiny.main()'
    expect(await run([built.python, '-c', program])).toEqual({ exitCode: 0, output: 'tiny 1.0\n' })
    expect((await run([join(built.binDir, 'tiny')])).output).toBe('tiny 1.0\n')

    const again = await ensure(['# as before', '', 'Tiny  == 1.0 # the first', 'tiny==1.0'])
    expect(again).toEqual({ ...built, phases: [] })
    expect(await foldersOf(built.key)).toHaveLength(1)

    const other = await ensure(['tiny>1'])
    expect(other.key).not.toBe(built.key)
    expect((await run([other.python, '-c', program])).output).toBe('tiny 2.0\n')
  },
  timeoutMs,
)

test(
  'without packages it is an interpreter, read-only and without an installer',
  async () => {
    const { python, folders } = await ensure([])
    const program = 'import sys; print(sys.prefix == sys.argv[1], sys.base_prefix == sys.argv[2])'
    expect((await run([python, '-c', program, ...folders])).output).toBe('True True\n')
    expect((await run([python, '-m', 'pip'])).output).toContain('No module named pip')
    const [environment = ''] = folders
    for (const path of [environment, join(environment, 'lib'), join(environment, 'pyvenv.cfg')])
      expect((await lstat(path)).mode & 0o222).toBe(0)
  },
  timeoutMs,
)

test('a Python that the node lacks is named', async () => {
  const error = await failureOf(ensure([], { version: '3.99' }))
  expect(error).toEqual(new PrepareError('the node has no Python 3.99'))
})

test(
  'the version chosen is the version got',
  async () => {
    const own = (
      await run(['python3', '-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])
    ).output.trim()
    const { python, key } = await ensure([], { version: own })
    expect((await run([python, '--version'])).output).toStartWith(`Python ${own}.`)
    expect(key).toBe((await ensure([])).key)
  },
  timeoutMs,
)

describe('failures', () => {
  test(
    'say what the installer said, are remembered a moment, and pass',
    async () => {
      const error = await failureOf(ensure(['later==1.0']))
      expect(error).toBeInstanceOf(PrepareError)
      expect(String(error)).toContain('No matching distribution found for later==1.0')
      await node.wheel('later', '1.0')
      // Whoever waited for that build need not repeat it.
      expect(await failureOf(ensure(['later==1.0']))).toEqual(error)
      const [record] = (await readdir(node.cacheDir)).filter((name) =>
        name.endsWith('.failed.json'),
      )
      const path = join(node.cacheDir, record ?? '')
      await Bun.write(path, JSON.stringify({ ...(await Bun.file(path).json()), atMs: 0 }))
      const { python } = await ensure(['later==1.0'])
      expect((await run([python, '-c', 'import later; later.main()'])).output).toBe('later 1.0\n')
    },
    timeoutMs,
  )

  test(
    'hashes are held against what comes',
    async () => {
      const wheel = Bun.file(join(node.shelf, 'tiny-2.0-py3-none-any.whl'))
      const sha256 = new Bun.CryptoHasher('sha256').update(await wheel.bytes()).digest('hex')
      const good = await ensure(['tiny==2.0 \\', `    --hash=sha256:${sha256}`])
      expect((await run([good.python, '-c', 'import tiny'])).exitCode).toBe(0)
      const bad = await failureOf(ensure([`tiny==2.0 --hash=sha256:${'0'.repeat(64)}`]))
      expect(String(bad)).toContain('DO NOT MATCH THE HASHES')
    },
    timeoutMs,
  )

  test(
    'a source distribution is not run',
    async () => {
      await node.source('nasty', '1.0')
      const error = await failureOf(ensure(['nasty']))
      expect(String(error)).toContain('No matching distribution found for nasty')
      expect(await readdir(node.shelf)).not.toContain('code-was-run')
    },
    timeoutMs,
  )

  test(
    'a job that is cancelled leaves nothing half',
    async () => {
      const control = new AbortController()
      const building = ensureEnvironment(
        { requirements: ['tiny<2'] },
        {
          cacheDir: node.cacheDir,
          usedBy: node.shelf,
          env: node.env,
          signal: control.signal,
          report: () => control.abort(new Error('cancelled')),
        },
      )
      expect(await failureOf(building)).toEqual(new Error('cancelled'))
      const { phases } = await ensure(['tiny<2'])
      expect(phases).toContain('installing tiny<2')
    },
    timeoutMs,
  )
})

describe('several processes', () => {
  const start = (...requirements: string[]) =>
    Bun.spawn([process.execPath, fixture, node.cacheDir, node.shelf, ...requirements], {
      env: node.env,
      stdout: 'pipe',
      stderr: 'inherit',
    })

  test(
    'build it once',
    async () => {
      const outputs = await Promise.all(
        Array.from({ length: 3 }, () => new Response(start('tiny!=1.0').stdout).text()),
      )
      const built = outputs.filter((output) => output.includes('phase installing'))
      expect(built).toHaveLength(1)
      const folders = outputs.map((output) => /binDir (.*)/.exec(output)?.[1])
      expect(new Set(folders).size).toBe(1)
      expect(folders[0]).toStartWith(node.cacheDir)
    },
    timeoutMs,
  )

  test(
    'one that is killed in the middle leaves no lock, and what it left is replaced',
    async () => {
      const killed = start('tiny<=1.5')
      let said = ''
      for await (const chunk of killed.stdout) {
        said += new TextDecoder().decode(chunk)
        if (said.includes('phase installing')) break
      }
      const half = (await readdir(node.cacheDir)).filter((name) => /^\w{32}-\w{8}$/.test(name))
      killed.kill('SIGKILL')
      await killed.exited
      const { key, python } = await ensure(['tiny<=1.5'])
      expect(half.filter((name) => name.startsWith(key))).toHaveLength(1)
      expect(half).not.toContain((await foldersOf(key))[0])
      expect((await run([python, '-c', 'import tiny; tiny.main()'])).output).toBe('tiny 1.0\n')
    },
    timeoutMs,
  )
})

test(
  'an environment whose Python is gone is built anew',
  async () => {
    const before = await ensure(['tiny==1.0'])
    await run(['chmod', '-R', 'u+w', dirname(before.binDir)])
    await rm(before.python)
    const after = await ensure(['tiny==1.0'])
    expect(after.key).toBe(before.key)
    expect(await foldersOf(after.key)).toEqual([dirname(after.binDir).split('/').at(-1) ?? ''])
    expect((await run([after.python, '-c', 'import tiny'])).exitCode).toBe(0)
  },
  timeoutMs,
)

const tools = dirname(process.env['HEARTH_TEST_PYTHON'] ?? `${root}/.cache/test-venv/bin/python`)
const uvTest = existsSync(join(tools, 'uv')) ? test : testWith('python')

uvTest(
  'uv installs where it is there, with the same rules',
  async () => {
    await using other = await pythonNode()
    const [env, phases] = [{ ...other.env, PATH: `${tools}:${other.env.PATH}` }, [] as string[]]
    const ensure = (requirement: string) =>
      ensureEnvironment(
        { requirements: [requirement] },
        {
          cacheDir: other.cacheDir,
          usedBy: other.shelf,
          env,
          report: (detail) => phases.push(detail),
        },
      )
    await other.wheel('tiny', '1.0')
    await other.source('nasty', '1.0')
    const { python, binDir } = await ensure('tiny==1.0')
    expect(phases.at(-1)).toBe('installing 1 package')
    expect((await run([python, '-c', 'import tiny; tiny.main()'])).output).toBe('tiny 1.0\n')
    expect((await run([join(binDir, 'tiny')])).output).toBe('tiny 1.0\n')
    const nasty = await failureOf(ensure('nasty'))
    expect(nasty).toBeInstanceOf(PrepareError)
    expect(String(nasty)).toContain('nasty')
    expect(await readdir(other.shelf)).not.toContain('code-was-run')
    const wrong = await failureOf(ensure(`tiny==1.0 --hash=sha256:${'0'.repeat(64)}`))
    expect(String(wrong)).toContain('Hash mismatch for')
  },
  timeoutMs,
)

test('a lock is held by one at a time', async () => {
  const path = join(node.shelf, 'lock')
  const first = tryLock(path)
  expect(tryLock(path)).toBeNull()
  first?.[Symbol.dispose]()
  using second = tryLock(path)
  expect(second).not.toBeNull()
})
