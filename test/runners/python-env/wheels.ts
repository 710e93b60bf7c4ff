/** Packages made on the spot, so that the tests install something without any network. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from '../../../scripts/command.ts'
import { temporaryFolder } from '../../../scripts/temporary.ts'

const script = `
import io, sys, tarfile, zipfile
kind, folder, name, version = sys.argv[1:5]
module = f'VERSION = {version!r}\\ndef main():\\n    print("{name}", VERSION)\\n'
if kind == 'wheel':
    info = f'{name}-{version}.dist-info'
    files = {
        f'{name}.py': module,
        f'{info}/METADATA': f'Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n',
        f'{info}/WHEEL': 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\n'
            'Tag: py3-none-any\\n',
        f'{info}/entry_points.txt': f'[console_scripts]\\n{name}={name}:main\\n',
    }
    record = ''.join(f'{path},,\\n' for path in [*files, f'{info}/RECORD'])
    with zipfile.ZipFile(f'{folder}/{name}-{version}-py3-none-any.whl', 'w') as archive:
        for path, text in {**files, f'{info}/RECORD': record}.items():
            archive.writestr(zipfile.ZipInfo(path), text)
else:
    setup = f'open({folder + "/code-was-run"!r}, "w")\\n' \\
        f'from setuptools import setup\\nsetup(name={name!r}, version={version!r})\\n'
    with tarfile.open(f'{folder}/{name}-{version}.tar.gz', 'w:gz') as archive:
        entry = tarfile.TarInfo(f'{name}-{version}/setup.py')
        entry.size = len(setup)
        archive.addfile(entry, io.BytesIO(setup.encode()))
`

const python = Bun.which('python3') ?? 'python3'

/** A node with a folder of environments, a shelf of packages, and paths that stand for jobs. */
export const pythonNode = async () => {
  const temporary = await temporaryFolder()
  const folder = (name: string) => join(temporary.path, name)
  for (const name of ['shelf', 'home', 'jobs']) await mkdir(folder(name))
  const make = (kind: string) => (name: string, version: string) =>
    must([python, '-c', script, kind, folder('shelf'), name, version])
  return {
    cacheDir: folder('environments'),
    shelf: folder('shelf'),
    wheel: make('wheel'),
    source: make('source'),
    /** Makes the folder that stands for a running job. */
    job: async (name: string) => {
      await mkdir(join(folder('jobs'), name))
      return join(folder('jobs'), name)
    },
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder('home'),
      PIP_CONFIG_FILE: '/dev/null',
      PIP_NO_INDEX: '1',
      PIP_FIND_LINKS: folder('shelf'),
      UV_OFFLINE: '1',
      UV_FIND_LINKS: folder('shelf'),
      SECRET_KEY: 'of the node',
    },
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  }
}
export type PythonNode = Awaited<ReturnType<typeof pythonNode>>
