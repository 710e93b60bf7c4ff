/** Plugins from outside: loaded with packages of their own, reloaded on edit, never half. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings } from '../../src/kernel/config.ts'
import { discoverPlugins, loadExternal } from '../../src/kernel/loader.ts'
import { createLogger } from '../../src/kernel/log.ts'
import { BootError } from '../../src/kernel/order.ts'
import { type RunningServer, startServer } from '../../src/kernel/server.ts'
import { watchPlugins } from '../../src/kernel/watch.ts'

let folder: string
const lines: string[] = []
const heard: (() => void)[] = []
const log = createLogger({
  level: 'info',
  pretty: false,
  write: (line) => {
    lines.push(JSON.parse(line).message)
    for (const wake of heard.splice(0)) wake()
  },
})

/** Resolves once a line of the log contains `text`: reloads are seen there, not guessed by time. */
const logged = async (text: string): Promise<string> => {
  for (;;) {
    const line = lines.find((candidate) => candidate.includes(text))
    if (line !== undefined) return line
    await new Promise<void>((wake) => heard.push(wake))
  }
}

const pluginText = (version: string, more = '') => `
const GATE = '${gate?.url}'
import shout from 'shout'
import { definePlugin, router } from 'hearth'
import { word } from './word.ts'
export default definePlugin({
  id: 'ext', version: '${version}', sdk: '^0.1.0',
  setup: ({ db }) => ({
    routes: router()
      .get('/ext', () => ({ version: '${version}', said: shout(word), dialect: db.dialect }))
      .get('/ext/hold', async () => ({ version: '${version}', gate: await (await fetch(GATE)).text() })),
  }),
})
${more}`

/** A server that answers only when the test opens it: what a request in flight waits for. */
const opened = Promise.withResolvers<Response>()
const reached = Promise.withResolvers<void>()
const gate = Bun.serve({
  port: 0,
  fetch: () => {
    reached.resolve()
    return opened.promise
  },
})
afterAll(() => gate.stop(true))

const write = (name: string, text: string) => writeFileSync(join(folder, name), text)

beforeAll(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'hearth-loader-')), 'ext')
  mkdirSync(join(folder, 'node_modules/shout'), { recursive: true })
  write('node_modules/shout/package.json', '{"name":"shout","main":"index.js"}')
  write('node_modules/shout/index.js', 'module.exports = (text) => text.toUpperCase()')
})
afterAll(() => rmSync(join(folder, '..'), { recursive: true }))

describe('a running external plugin', () => {
  let server: RunningServer
  let unwatch: () => void
  const dataDir = mkdtempSync(join(tmpdir(), 'hearth-loader-data-'))

  const get = async (path: string) => (await fetch(`${server.url}${path}`)).json()

  beforeAll(async () => {
    lines.length = 0
    write('word.ts', `export const word: string = 'hello'`)
    write('index.ts', pluginText('1.0.0'))
    const settings = readSettings({ PORT: '0', DATA_DIR: dataDir })
    const plugins = await loadExternal([folder], {}, log)
    server = await startServer(
      settings,
      plugins.map(({ source }) => source),
      log,
    )
    unwatch = watchPlugins(plugins, {}, server.kernel, log)
  })
  afterAll(async () => {
    unwatch()
    await server.stop()
    rmSync(dataDir, { recursive: true })
  })
  afterEach(() => {
    lines.length = 0
  })

  test('uses the SDK of the program and a package of its own', async () => {
    expect(await get('/ext')).toEqual({ version: '1.0.0', said: 'HELLO', dialect: 'sqlite' })
  })

  test('an edit replaces it while a request in flight finishes on the old one', async () => {
    const inFlight = get('/ext/hold')
    await reached.promise
    write('index.ts', pluginText('1.1.0'))
    // The new one serves while the old one still holds its request; only then is it let go.
    while (((await get('/ext')) as { version: string }).version !== '1.1.0') await Bun.sleep(0)
    opened.resolve(new Response('open'))
    expect(await inFlight).toEqual({ version: '1.0.0', gate: 'open' })
    await logged('reloaded')
  })

  test('an edit that does not parse, or does not set up, keeps the old one and says why', async () => {
    write('index.ts', 'export default definePlugin({')
    expect(await logged('not reloaded')).toContain('cannot be loaded')
    expect(await get('/ext')).toMatchObject({ version: '1.1.0' })
    lines.length = 0
    write('index.ts', pluginText('2.0.0').replace(`'^0.1.0'`, `'^9.0.0'`))
    expect(await logged('not reloaded')).toContain('needs SDK ^9.0.0')
    expect(await get('/ext')).toMatchObject({ version: '1.1.0' })
  })

  test('a timer that throws does not take the server down, and is named', async () => {
    write('index.ts', pluginText('1.2.0', `setTimeout(() => { throw new Error('late') }, 1)`))
    await logged('uncaughtException')
    await logged('reloaded')
    expect(await get('/ext')).toMatchObject({ version: '1.2.0' })
  })
})

describe('loading', () => {
  const problem = async (path: string, settings = {}) => {
    try {
      await loadExternal([path], settings, log)
    } catch (error) {
      if (error instanceof BootError) return error.problems.join('\n')
      throw error
    }
    return ''
  }

  test('says what is wrong with a path', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'hearth-empty-'))
    expect(await problem(join(empty, 'none.ts'))).toContain('does not exist')
    expect(await problem(empty)).toContain('has no index.ts')
    writeFileSync(join(empty, 'index.ts'), 'export default 7')
    expect(await problem(empty)).toContain('must export definePlugin')
    rmSync(empty, { recursive: true })
  })

  test('a path under the wrong name is refused', async () => {
    write('index.ts', pluginText('1.0.0'))
    const settings = { other: { path: folder } }
    expect(await problem(folder, settings)).toContain('leads to a plugin with the id ext')
  })

  test('finds plugins in a working folder, but never those of the program', () => {
    const work = mkdtempSync(join(tmpdir(), 'hearth-discover-'))
    mkdirSync(join(work, 'plugins/whole'), { recursive: true })
    mkdirSync(join(work, 'plugins/no-index'))
    for (const name of ['one.ts', 'one.test.ts', 'whole/index.ts', 'no-index/other.ts']) {
      writeFileSync(join(work, 'plugins', name), '')
    }
    const found = ['one.ts', 'whole'].map((name) => join(work, 'plugins', name))
    expect(discoverPlugins(work)).toEqual(found)
    expect(discoverPlugins(join(import.meta.dir, '../..'))).toEqual([])
    expect(discoverPlugins(join(work, 'plugins'))).toEqual([])
    rmSync(work, { recursive: true })
  })
})
