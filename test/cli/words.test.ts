/** How the command line reads what people type, and words what it answers. */
import { describe, expect, test } from 'bun:test'
import { readArguments, splitCommand, UsageError } from '../../src/cli/arguments.ts'
import { nearest } from '../../src/cli/nearest.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/cli/quantities.ts'
import { runOptions, submissionOf } from '../../src/cli/run-options.ts'
import { readEvents } from '../../src/cli/sse.ts'
import { table } from '../../src/cli/table.ts'
import { exitCodeOf } from '../../src/cli/wording.ts'
import type { JobView } from '../../src/jobs/view.ts'

test.each([
  ['40G', 40 * 2 ** 30],
  ['1.5GiB', 1.5 * 2 ** 30],
  ['512m', 512 * 2 ** 20],
  ['7', 7],
  ['8X', undefined],
  ['-1G', undefined],
])('the size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes as number)
})

test.each([
  ['90', 90_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['2d', 172_800_000],
  ['h', undefined],
  ['1h 30m', undefined],
])('the time %s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms as number)
})

test('quantities for people', () => {
  expect([0, 300, 42_000, 80_000, 7_500_000, 90_000_000].map(formatDuration)).toEqual([
    '0s',
    '0.3s',
    '42s',
    '1m20s',
    '2h05m',
    '1d01h',
  ])
  expect([0, 1023, 1536, 2 ** 30 - 1].map(formatSize)).toEqual([
    '0 B',
    '1023 B',
    '1.5 KiB',
    '1.0 GiB',
  ])
})

test.each([
  ['gpu', 'gpus'],
  ['memroy', 'memory'],
  ['requirement', 'requirements'],
  ['zzz', undefined],
])('%s is taken for %s', (word, meant) => {
  expect(nearest(word, Object.keys(runOptions))).toBe(meant as string)
})

describe('a command keeps its own options', () => {
  test.each([
    [
      ['--gpus', '1', '--', 'python', '--gpus', '9'],
      ['--gpus', '1'],
      ['python', '--gpus', '9'],
    ],
    [['-d', 'python', 'x.py', '--help'], ['-d'], ['python', 'x.py', '--help']],
    [['--name=a', 'ls', '--', '-l'], ['--name=a'], ['ls', '--', '-l']],
    [['--detach'], ['--detach'], []],
  ])('%j', (args, own, command) => {
    expect(splitCommand(args, runOptions)).toEqual({ own, command })
  })
})

test.each([
  [['--memroy', '8G'], 'unknown option --memroy; did you mean --memory?'],
  [['--gpus'], "option '--gpus <value>' argument missing"],
  [['--gpus', 'two'], '--gpus: expected a whole number, not "two"'],
  [['--memory', 'much'], '--memory: expected a size like 8G or 512M, not much'],
  [
    ['--sandbox', 'bwarp'],
    '--sandbox: bwarp is none of none, cgroup, bwrap, docker; did you mean bwrap?',
  ],
  [['--secret', 'NO_SUCH'], '--secret NO_SUCH: it is not set here'],
  [['--env', '1=2'], '--env: "1" cannot name a variable'],
])('%j is refused', (args, message) => {
  const attempt = () => submissionOf(readArguments(args, runOptions).values, ['ls'], {})
  expect(attempt).toThrow(new UsageError(message))
})

test('options become a submission', () => {
  const args = ['--gpus', '2', '--gpu-memory', '40G', '--memory', '8G', '--cpus', '2']
  const more = ['--timeout', '2h', '--retry', '3', '--priority=-5', '--no-network']
  const rest = ['--label', 'a', '--label', 'b=c', '-e', 'X=1=2', '--secret', 'KEY', '-o', 'out/**']
  const { values } = readArguments([...args, ...more, ...rest], runOptions)
  expect(submissionOf(values, ['/usr/bin/python3', '-u', 'train.py'], { KEY: 'k' })).toEqual({
    name: 'python3 train.py',
    priority: -5,
    timeout_ms: 7_200_000,
    secrets: { KEY: 'k' },
    policy: { on_disconnect: 'retry', max_attempts: 4 },
    plan: {
      command: ['/usr/bin/python3', '-u', 'train.py'],
      env: { X: '1=2' },
      outputs: ['out/**'],
      network: false,
      limits: { memoryBytes: 8 * 2 ** 30, cpus: 2 },
      needs: { gpus: 2, gpuMemoryBytes: 40 * 2 ** 30, labels: ['a', 'b=c'] },
    },
  })
})

test.each([
  [{ state: 'succeeded', reason: 'exited', exit_code: 0, signal: null }, 0],
  [{ state: 'failed', reason: 'exited', exit_code: 3, signal: null }, 3],
  [{ state: 'failed', reason: 'exited', exit_code: null, signal: 'SIGSEGV' }, 139],
  [{ state: 'failed', reason: 'oom', exit_code: null, signal: 'SIGKILL' }, 137],
  [{ state: 'failed', reason: 'timeout', exit_code: null, signal: 'SIGTERM' }, 124],
  [{ state: 'cancelled', reason: 'cancelled', exit_code: 0, signal: null }, 130],
  [{ state: 'failed', reason: 'prepare_failed', exit_code: null, signal: null }, 125],
])('%j ends with %d', ({ state, ...outcome }, code) => {
  expect(exitCodeOf({ state, outcome } as unknown as JobView)).toBe(code)
})

test('events come whole, however the bytes were cut; a broken one not at all', async () => {
  const text =
    ': hello\nretry: 1000\n\nevent: log\nid: 7\ndata: {"text":"ä"}\n\n:\n\n' +
    'data: 1\ndata: 2\n\nevent: log\nid: 9\nda'
  const bytes = new TextEncoder().encode(text)
  for (const size of [1, 2, 3, 7, bytes.length]) {
    async function* cut() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    }
    expect(await Array.fromAsync(readEvents(cut()))).toEqual([
      { event: 'log', id: '7', data: '{"text":"ä"}' },
      { event: 'message', id: undefined, data: '1\n2' },
    ])
  }
})

test('the last column is cut where the terminal ends', () => {
  const lines = table(
    ['ID', 'NAME'],
    [
      ['日本', 'short'],
      ['b', 'a name that is too long'],
    ],
    { columns: 16, paintHead: (text) => text },
  )
  expect(lines.split('\n')).toEqual(['ID    NAME', '日本  short', 'b     a name th…'])
})
