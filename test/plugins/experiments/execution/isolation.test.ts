/** Programs that reach for what is not theirs: other nodes' files, keys, the server, the host. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder, type TemporaryFolder } from '../../../../scripts/temporary.ts'
import { openRig, owner, printed, type Rig } from './rig.ts'

setDefaultTimeout(60_000)

let folder: TemporaryFolder
let rig: Rig

beforeAll(async () => {
  process.env['OPENAI_API_KEY'] = 'very-secret'
  folder = await temporaryFolder()
  rig = await openRig({ dataDir: folder.path })
})
afterAll(async () => {
  delete process.env['OPENAI_API_KEY']
  await rig?.[Symbol.asyncDispose]()
  await folder?.[Symbol.asyncDispose]()
})

/** Each line is tried by itself; prints what came of it. */
const tried = (lines: readonly string[]): string =>
  [
    'import glob, os, pathlib, shutil, socket, subprocess, urllib.request',
    `for line in ${JSON.stringify(lines)}:`,
    '    try: print(repr(eval(line)))',
    "    except OSError: print('refused')",
  ].join('\n')

const answers = async (lines: readonly string[]): Promise<string[]> => {
  const { failure, output } = await rig.run(tried(lines))
  expect(failure).toBeNull()
  return output.head.trimEnd().split('\n')
}

test('each node has a folder of its own, and finds in it what it was given', async () => {
  const table = await rig.blobs.put(new TextEncoder().encode('a,b\n1,2\n'))
  const inputs = [{ path: 'my data/train.csv', ...table }]
  const files = "sorted(str(p) for p in pathlib.Path('.').rglob('*') if p.is_file())"
  const code = (name: string) =>
    [
      'import pathlib',
      `open('working/${name}', 'w').write('${name}')`,
      `open('stray', 'w').write('${name}')`,
      `print(${files})`,
      "print(repr(open('input/my data/train.csv').read()))",
    ].join('\n')
  const runs = await Promise.all(['a', 'b'].map((name) => rig.run(code(name), { inputs })))
  expect(runs.map(({ output, artifacts }) => [output.head, artifacts])).toEqual(
    ['a', 'b'].map((name) => [
      `['input/my data/train.csv', 'solution.py', 'stray', 'working/.keep', ` +
        `'working/${name}']\n'a,b\\n1,2\\n'\n`,
      [{ path: `working/${name}`, sha256: expect.any(String), sizeBytes: 1 }],
    ]),
  )
})

test('neither keys nor settings of the server can be read', async () => {
  const server = process.pid
  expect(
    await answers([
      "os.environ.get('OPENAI_API_KEY')",
      "'very-secret' in str(dict(os.environ))",
      `open('/proc/${server}/environ').read()`,
      "b'very-secret' in b''.join(open(p, 'rb').read() for p in glob.glob('/proc/*/environ'))",
      "open('/etc/shadow').read()",
      "os.listdir('/root')",
      `open(${JSON.stringify(join(folder.path, 'hearth.db'))}).read()`,
    ]),
  ).toEqual(['None', 'False', 'refused', 'False', 'refused', 'refused', 'refused'])
})

test('nothing outside its folder can be written or seen', async () => {
  const { jobId, end, abort } = await rig.begin("print('begun', flush=True)\nwhile True: pass")
  const other = rig.files(jobId)
  await printed(other, 'begun\n')
  expect(
    await answers([
      `os.listdir(${JSON.stringify(other.work)})`,
      `open(${JSON.stringify(join(other.work, 'working/planted'))}, 'w')`,
      `os.path.exists(${JSON.stringify(folder.path)} + '/blobs')`,
      "open('../exit.json', 'w')",
      "open('../../planted', 'w').write('x') == 1",
      "open('/usr/planted', 'w')",
      "open('/etc/passwd', 'a')",
      "shutil.rmtree('/usr/bin')",
      "[p for p in os.listdir('/proc') if p.isdigit() and int(p) > 50]",
    ]),
  ).toEqual([...'refused refused False refused True refused refused'.split(' '), 'refused', '[]'])
  // What it may write beside its folder is its own: nobody else has such a file.
  expect(existsSync(join(folder.path, 'node/attempts/planted'))).toBe(false)
  abort()
  await end
})

test('a link to what is not its own is no artifact', async () => {
  const run = await rig.run(
    "import os\nos.symlink('/etc/passwd', 'working/passwd')\nopen('working/own', 'w').write('x')",
  )
  expect(run.artifacts.map(({ path }) => path)).toEqual(['working/own'])
})

test('it is nobody, and cannot become anybody', async () => {
  const mount = "subprocess.run(['mount', '-t', 'tmpfs', 'x', '/mnt'], capture_output=True)"
  expect(
    await answers([
      '(os.getuid(), os.geteuid())',
      'os.setuid(0)',
      `${mount}.returncode == 0`,
      "[line for line in open('/proc/self/status') if line.startswith('CapEff')]",
    ]),
  ).toEqual(['(65534, 65534)', 'refused', 'False', "['CapEff:\\t0000000000000000\\n']"])
})

test('neither the internet nor the server can be reached', async () => {
  await using host = Bun.serve({ port: 0, fetch: () => new Response('reached') })
  expect(
    await answers([
      `urllib.request.urlopen('http://127.0.0.1:${host.port}/', timeout=5).read()`,
      "socket.create_connection(('192.0.2.1', 80), timeout=5)",
    ]),
  ).toEqual(['refused', 'refused'])
})

test('jobs of steps cannot be handed in without a sandbox', async () => {
  const plan = { command: ['true'], sandbox: 'none' }
  const submission = { kind: 'experiments.step', spec: { plan } }
  await expect(rig.jobs.submit(owner, submission)).rejects.toMatchObject({ code: 'forbidden' })
})
