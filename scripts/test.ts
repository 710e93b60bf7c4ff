/** `bun run test`: everything that has to hold before a change is kept, on a clean clone too. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './command.ts'
import { provision } from './provision.ts'
import { say } from './say.ts'

const bun = process.execPath
const root = join(import.meta.dir, '..')
const patterns = process.argv.slice(2)

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** The suites that load the machine run by themselves, so that they disturb no other test. */
const heavy = [
  'test/faults',
  'test/chaos',
  'test/sim',
  'test/security',
  'test/runners/docker',
  'test/fuzz',
]

const suites: readonly (readonly string[])[] =
  patterns.length > 0
    ? [patterns]
    : [
        [
          '--parallel=2',
          ...heavy.flatMap((path) => ['--path-ignore-patterns', `${path}/**`]),
          'test',
        ],
        heavy.map((path) => `./${path}`),
      ]

const checks = async (): Promise<string[]> => {
  const failures: string[] = []
  for (const step of [
    ['check', '--no-script'],
    ['fmt', '--no-script', '--check'],
  ]) {
    say(`bun ${step.join(' ')}`)
    const { exitCode } = await run([bun, ...step], { cwd: root, show: true })
    if (exitCode !== 0) failures.push(`bun ${step[0]}`)
  }
  return failures
}

const runSuite = async (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Counts & { exitCode: number }> => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-test-'))
  const report = join(folder, 'junit.xml')
  const { exitCode } = await run(
    [bun, 'test', '--timeout=30000', '--reporter=junit', `--reporter-outfile=${report}`, ...args],
    { cwd: root, env, show: true },
  )
  const xml = (await Bun.file(report).exists()) ? await Bun.file(report).text() : ''
  await rm(folder, { recursive: true, force: true })
  return { ...counts(xml), exitCode }
}

/** The totals stand in the attributes of the report's root element. */
const counts = (xml: string): Counts => {
  const head = /<testsuites[^>]*>/.exec(xml)?.[0] ?? ''
  const attribute = (name: string) => Number(new RegExp(`${name}="(\\d+)"`).exec(head)?.[1] ?? 0)
  const failed = attribute('failures') + attribute('errors')
  const skipped = attribute('skipped')
  return { passed: attribute('tests') - failed - skipped, failed, skipped }
}

const main = async (): Promise<number> => {
  const failures = patterns.length > 0 ? [] : await checks()
  const provisions = await provision()
  const total: Counts = { passed: 0, failed: 0, skipped: 0 }
  try {
    for (const suite of suites) {
      const result = await runSuite(suite, provisions.env)
      total.passed += result.passed
      total.failed += result.failed
      total.skipped += result.skipped
      if (result.exitCode !== 0) failures.push(`bun test ${suite.at(-1)}`)
    }
  } finally {
    await provisions.stop()
  }
  for (const failure of failures) say(`FAILED: ${failure}`)
  const unexplained = failures.length > 0 && total.failed === 0 ? 1 : 0
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
  say(`${total.passed} passed, ${total.failed + unexplained} failed${skipped}`)
  return failures.length === 0 && total.passed > 0 ? 0 : 1
}

process.exit(await main())
