/** Settings are strict: all that is wrong is told, at once and by name. */
import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings } from '../../src/kernel/config.ts'
import { BootError } from '../../src/kernel/order.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearth-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, content: unknown): string => {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const problemsOf = (env: Record<string, string>, path?: string): readonly string[] => {
  try {
    readSettings(env, path)
  } catch (error) {
    if (error instanceof BootError) return error.problems
    throw error
  }
  return []
}

describe('readSettings', () => {
  test('has a default for everything', () => {
    expect(readSettings({})).toEqual({
      PORT: 8000,
      HOST: '127.0.0.1',
      DATA_DIR: './data',
      LOG_LEVEL: 'info',
      file: {},
      loopback: true,
      authRequired: false,
      rateLimited: false,
    })
  })

  test('needs a token and limits requests once the network can reach it', () => {
    const { loopback, authRequired, rateLimited } = readSettings({ HOST: '0.0.0.0', PORT: '0' })
    expect({ loopback, authRequired, rateLimited }).toEqual({
      loopback: false,
      authRequired: true,
      rateLimited: true,
    })
  })

  test('stays closed on the network even when told to be open', () => {
    expect(readSettings({ HOST: '10.0.0.1', AUTH: 'open' }).authRequired).toBe(true)
  })

  test('is closed behind a proxy, which makes everybody look local', () => {
    expect(readSettings({}, file('proxy.json', { trustProxy: true })).authRequired).toBe(true)
  })

  test('reads the config file', () => {
    const path = file('good.json', { plugins: { x: { path: './x.ts', optional: true } } })
    expect(readSettings({}, path).file).toEqual({
      plugins: { x: { path: join(folder, 'x.ts'), optional: true } },
    })
  })

  test('tells everything that is wrong at once, in the environment and in the file', () => {
    const path = file('bad.json', { pluginz: {}, maxBodyBytes: 3, plugins: { a: { paht: 'x' } } })
    expect(problemsOf({ PORT: '70000', AUTH: 'maybe' }, path)).toEqual([
      'environment: PORT: expected integer to be less or equal to 65535, not 70000',
      'environment: AUTH: expected one of open, required, not "maybe"',
      `${path}: pluginz is not a known setting`,
      `${path}: plugins.a.paht is not a known setting`,
      `${path}: maxBodyBytes: expected integer to be greater or equal to 1024, not 3`,
    ])
  })

  test('never repeats a secret', () => {
    const [problem] = problemsOf({ DATABASE_URL: 'mysql://me:hunter2@db/x' })
    expect(problem).toStartWith('environment: DATABASE_URL: ')
    expect(problem).not.toContain('hunter2')
  })

  test('says where a config file is not JSON, and that a named one is missing', () => {
    expect(problemsOf({}, file('broken.json', '{"a":'))[0]).toContain('cannot be read')
    expect(problemsOf({}, join(folder, 'none.json'))[0]).toContain('does not exist')
  })
})
