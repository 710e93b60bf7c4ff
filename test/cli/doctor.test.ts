/** `hearth doctor` finds what is wrong with a set-up and says what to do about it. */
import { afterAll, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const main = join(import.meta.dir, '../../src/main.ts')
const folder = mkdtempSync(join(tmpdir(), 'hearth-doctor-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Finding {
  readonly name: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly detail: string
  readonly fix?: string
}

const doctor = async (env: Record<string, string>, ...args: string[]) => {
  const child = Bun.spawn([process.execPath, main, 'doctor', '--json', ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], PORT: '0', DATA_DIR: join(folder, 'data'), ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [text, exitCode] = await Promise.all([new Response(child.stdout).text(), child.exited])
  const { findings } = JSON.parse(text) as { findings: Finding[] }
  return { exitCode, findings, failing: findings.filter(({ status }) => status === 'fail') }
}

test('a sound set-up passes every check', async () => {
  const { exitCode, findings, failing } = await doctor({})
  expect({ exitCode, failing }).toEqual({ exitCode: 0, failing: [] })
  expect(findings.map(({ name }) => name)).toEqual([
    'settings',
    'bun',
    'data',
    'disk',
    'lock',
    'database',
    'migrations',
    'redis',
    'port',
    'access',
    'files',
    'sandboxes',
    'warm start',
  ])
})

test('settings that are wrong are all named', async () => {
  const { exitCode, failing } = await doctor({ PORT: 'eighty', AUTH: 'no' })
  expect(exitCode).toBe(1)
  expect(failing.map(({ detail }) => detail)).toEqual([
    'environment: PORT: expected integer, not "eighty"',
    'environment: AUTH: expected one of open, required, not "no"',
  ])
})

test('a database that does not answer is told without its password', async () => {
  const env = { DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/none' }
  const { exitCode, failing } = await doctor(env)
  expect(exitCode).toBe(1)
  expect(failing[0]?.name).toBe('database')
  expect(failing[0]?.fix).toContain('DATABASE_URL')
  expect(JSON.stringify(failing)).not.toContain('hunter2')
})

test('a Redis that does not answer fails', async () => {
  const { failing } = await doctor({ REDIS_URL: 'redis://127.0.0.1:1' })
  expect(failing.map(({ name }) => name)).toEqual(['redis'])
})

test('a data folder that is a file fails', async () => {
  writeFileSync(join(folder, 'a-file'), '')
  const { exitCode, failing } = await doctor({ DATA_DIR: join(folder, 'a-file') })
  expect(exitCode).toBe(1)
  expect(failing[0]).toMatchObject({ name: 'data', status: 'fail' })
})

test('a damaged database fails', async () => {
  const dataDir = join(folder, 'damaged')
  mkdirSync(dataDir)
  writeFileSync(join(dataDir, 'hearth.sqlite'), `not a database${' '.repeat(5000)}`)
  const { failing } = await doctor({ DATA_DIR: dataDir })
  expect(failing[0]).toMatchObject({ name: 'database', status: 'fail' })
})

test('being reachable from the network is worth a warning', async () => {
  const { exitCode, findings } = await doctor({ HOST: '0.0.0.0' })
  expect(exitCode).toBe(0)
  const access = findings.find(({ name }) => name === 'access')
  expect(access).toMatchObject({ status: 'warn', fix: 'put a TLS proxy before it' })
})
