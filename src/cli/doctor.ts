/** `hearth doctor`: tries what a server would do, and says what is wrong and how to mend it. */
import { parseArgs } from 'node:util'
import { readSettings, type Settings } from '../kernel/config.ts'
import { BootError } from '../kernel/order.ts'
import {
  checkBun,
  checkDatabase,
  checkDataDir,
  checkDiskSpace,
  checkExposure,
  checkFileLimit,
  checkLock,
  checkMigrations,
  checkPort,
  checkRedis,
  type Finding,
} from './doctor-checks.ts'
import { checkSandboxes, checkWarmStart } from './doctor-sandboxes.ts'

const checks: readonly ((settings: Settings) => Promise<Finding>)[] = [
  checkBun,
  checkDataDir,
  checkDiskSpace,
  checkLock,
  checkDatabase,
  checkMigrations,
  checkRedis,
  checkPort,
  checkExposure,
  checkFileLimit,
  checkSandboxes,
  checkWarmStart,
]

/** Exit code 0 when nothing fails, 1 otherwise; warnings do not count. */
export const doctor = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, json: { type: 'boolean', default: false } },
  })
  const findings = await examine(values.config)
  process.stdout.write(values.json ? `${JSON.stringify({ findings })}\n` : report(findings))
  return findings.some(({ status }) => status === 'fail') ? 1 : 0
}

const examine = async (configPath: string | undefined): Promise<Finding[]> => {
  let settings: Settings
  try {
    settings = readSettings(process.env, configPath)
  } catch (error) {
    if (!(error instanceof BootError)) throw error
    return error.problems.map((detail) => ({
      name: 'settings',
      status: 'fail',
      detail,
      fix: 'correct the environment variable or the line of the config file',
    }))
  }
  const findings: Finding[] = [{ name: 'settings', status: 'ok', detail: 'all are valid' }]
  for (const check of checks) {
    findings.push(await check(settings).catch((error: Error) => failed(check.name, error)))
  }
  return findings
}

const failed = (name: string, error: Error): Finding => ({
  name: name.replace(/^check/, '').toLowerCase(),
  status: 'fail',
  detail: error.message,
})

const marks = { ok: '✓', warn: '!', fail: '✗' } as const

const report = (findings: readonly Finding[]): string => {
  const lines = findings.flatMap(({ name, status, detail, fix }) => [
    `${marks[status]} ${name.padEnd(12)} ${detail}`,
    ...(fix ? [`  ${' '.repeat(12)} -> ${fix}`] : []),
  ])
  return `${lines.join('\n')}\n`
}
