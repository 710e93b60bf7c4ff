/** A program with packages of its own, run by the local executor: in the open and in a sandbox. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { environmentOf } from '../../../runners/agent/environment.ts'
import { attemptFiles } from '../../../runners/attempt-files.ts'
import { createLocalExecutor } from '../../../runners/local.ts'
import { programPath } from '../../../runners/python/program-path.ts'
import { ensureEnvironment } from '../../../runners/python-env/environment.ts'
import { collectOutputs } from '../../../runners/workspace/outputs.ts'
import { openInputCache } from '../../../runners/workspace/input-cache.ts'
import { prepareWorkspace } from '../../../runners/workspace/prepare.ts'
import { blobServer, digest, input } from '../workspace/fixture.ts'
import { type PythonNode, pythonNode } from './wheels.ts'

const timeoutMs = 120_000
let node: PythonNode

beforeAll(async () => {
  node = await pythonNode()
  await node.wheel('tiny', '1.0')
}, timeoutMs)
afterAll(() => node[Symbol.asyncDispose](), timeoutMs)

const program = `
import os, tiny, hearth_job as job
tiny.main()
print(open("data/in.txt").read(), end="")
os.makedirs("out")
open("out/result.txt", "w").write("42")
try:
    open(os.path.join(os.path.dirname(tiny.__file__), "evil.py"), "w")
except OSError:
    print("packages are read-only")
job.artifact("out/result.txt")
`

const { sandboxes } = await createLocalExecutor().probe()

test.each(['none', 'bwrap'] as const)(
  'sandbox %s',
  async (sandbox) => {
    // A host without it says so in the executor's own tests.
    if (!sandboxes.includes(sandbox)) return
    const path = await node.job(`j-${sandbox}-1`)
    const files = [input('main.py', program), input('data/in.txt', 'the input\n')]
    const plan = { command: ['python', 'main.py'], files, sandbox }
    const stored = {
      path,
      job: 'j',
      attempt: 1,
      plan,
      gpus: [],
      stopAfterMs: null,
      checkpoint: null,
    }
    const server = blobServer()
    for (const content of [program, 'the input\n']) server.put(content)
    const cache = await openInputCache(join(path, '../../inputs'))
    const { fetchBlob } = server
    await prepareWorkspace({ folder: path, plan, checkpoint: null, cache, fetchBlob })
    const { cacheDir, env } = node
    const requirements = ['tiny']
    const { binDir } = await ensureEnvironment({ requirements }, { cacheDir, usedBy: path, env })
    const modules = await programPath(join(path, '../..'))

    const executor = createLocalExecutor({ shared: [cacheDir, modules] })
    await mkdir(attemptFiles(path).tmp, { recursive: true })
    const binDirs = [binDir]
    const pythonPath = [modules]
    const given = environmentOf({ stored, secrets: {}, binDirs, pythonPath })
    const handle = await executor.start(stored, given)
    const outcome = await executor.wait(handle)
    await executor.destroy(handle)

    expect(outcome).toMatchObject({ reason: 'exited', exitCode: 0, signal: null })
    const { log, events } = attemptFiles(path)
    const said = await readFile(log, 'utf8')
    expect(said).toStartWith('tiny 1.0\nthe input\n')
    // Nothing is read-only to root; inside the sandbox it is nobody.
    if (sandbox === 'bwrap') expect(said).toEndWith('packages are read-only\n')
    const { path: named } = JSON.parse(await readFile(events, 'utf8')) as { path: string }
    const outputs = { folder: path, plan: {}, named: [{ path: named, kind: 'artifact' as const }] }
    expect(await collectOutputs(outputs)).toEqual({
      artifacts: [{ path: 'out/result.txt', sha256: digest('42'), sizeBytes: 2, kind: 'artifact' }],
      problems: [],
    })
  },
  timeoutMs,
)
