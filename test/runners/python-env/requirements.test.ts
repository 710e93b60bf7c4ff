/** The lines of requirements: one form for one wish, and what must not reach an installer. */
import { describe, expect, test } from 'bun:test'
import { installPhase } from '../../../runners/python-env/install-phase.ts'
import {
  hasHashes,
  normaliseRequirements,
  packagesOf,
} from '../../../runners/python-env/requirements.ts'
import { PrepareError } from '../../../runners/workspace/prepare-error.ts'

const hash = `sha256:${'ab'.repeat(32)}`

test('comments, order, spaces and spelling make no difference', () => {
  const written = [
    '# a lock file\r',
    'Scikit_Learn [alldeps] >= 1.5 , < 2  # the models',
    `numpy == 2.3 \\`,
    `    --hash=${hash} \\`,
    `    --hash=${hash}`,
    'torch; python_version < "3.13"',
    '--extra-index-url https://download.pytorch.org/whl/cpu',
    '',
    'numpy==2.3 --hash=' + `${hash} --hash=${hash}`,
    'mine @ https://example.com/mine-1.0-py3-none-any.whl#sha256=ab',
    'https://example.com/its-1.0-py3-none-any.whl',
    'six',
  ]
  const wanted = [
    '--extra-index-url https://download.pytorch.org/whl/cpu',
    'https://example.com/its-1.0-py3-none-any.whl',
    'mine @ https://example.com/mine-1.0-py3-none-any.whl#sha256=ab',
    `numpy==2.3 --hash=${hash} --hash=${hash}`,
    'scikit-learn[alldeps]>=1.5,<2',
    'six',
    'torch ; python_version < "3.13"',
  ]
  expect(normaliseRequirements(written)).toEqual(wanted)
  expect(normaliseRequirements(wanted)).toEqual(wanted)
  expect(normaliseRequirements([written.join('\n')])).toEqual(wanted)
  expect(hasHashes(wanted)).toBe(true)
  expect(hasHashes(['six==1.0'])).toBe(false)
  expect(packagesOf(wanted)[2]).toBe('numpy==2.3')
})

describe('what an installer must not see', () => {
  test.each([
    '-r /etc/passwd',
    '--requirement=other.txt',
    '-c constraints.txt',
    '-e .',
    '.',
    './six',
    '/opt/wheels/six-1.0-py3-none-any.whl',
    'six-1.0-py3-none-any.whl',
    'dir/six',
    'six @ file:///opt/six-1.0-py3-none-any.whl',
    'six @ https://example.com/six-1.0.tar.gz',
    'six @ https://example.com/six.tar.gz#x.whl',
    'six @ http://example.com/six-1.0-py3-none-any.whl',
    'six @ git+https://example.com/six',
    'git+https://example.com/six',
    'https://example.com/six-1.0.zip',
    '--index-url http://example.com/simple',
    '--find-links /opt/wheels',
    '--find-links file:///opt/wheels',
    '--no-binary :all:',
    '--trusted-host example.com',
    '--only-binary :none: --no-binary :all:',
    'six --global-option=x',
    'six==1.0 --config-settings=x=y',
    'six --hash=md5:00',
    'six==${SECRET_KEY}',
    '--index-url https://example.com/${SECRET_KEY}',
    '--index-url https://example.com/simple --trusted-host example.com',
    'six six',
    'six==1.0 -r /etc/passwd',
  ])('%s', (line) => {
    expect(() => normaliseRequirements([line])).toThrow(PrepareError)
  })
})

test.each([
  ['Collecting numpy==2.3 (from -r x)', 'resolving numpy==2.3'],
  [
    '  Downloading https://x/numpy-2.3-cp311.whl (16.6 MB)',
    'downloading numpy-2.3-cp311.whl (16.6 MB)',
  ],
  [
    '  Downloading numpy-2.3-cp311.whl.metadata (62 kB)',
    'downloading numpy-2.3-cp311.whl.metadata (62 kB)',
  ],
  ['Downloading numpy (15.7MiB)', 'downloading numpy (15.7MiB)'],
  ['Installing collected packages: a, b, c, d, e', 'installing a, b, c and 2 more'],
  ['Resolved 5 packages in 3ms', 'downloading 5 packages'],
  ['Prepared 1 package in 3ms', 'installing 1 package'],
  ['Requirement already satisfied', null],
])('the line %p is the phase %p', (line, phase) => {
  expect(installPhase(line)).toBe(phase)
})
