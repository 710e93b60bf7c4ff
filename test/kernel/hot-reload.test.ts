/** A running external plugin is replaced on edit, never by half and never by a broken one. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hearth, startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearth-reload-'))
const plugin = join(folder, 'ext')
let server: Hearth

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

const write = (name: string, text: string) => writeFileSync(join(plugin, name), text)

const pluginText = (version: string, more = '') => `
import shout from 'shout'
import { definePlugin, router } from 'hearth'
import { word } from './word.ts'
const hold = async () => await (await fetch('${gate.url}')).text()
export default definePlugin({
  id: 'ext', version: '${version}', sdk: '^0.1.0',
  setup: ({ db }) => ({
    routes: router()
      .get('/ext', () => ({ version: '${version}', said: shout(word), dialect: db.dialect }))
      .get('/ext/hold', async () => ({ version: '${version}', gate: await hold() })),
  }),
})
${more}`

const get = async (path: string) =>
  (await (await fetch(`${server.origin}${path}`)).json()) as Record<string, unknown>

/** Reloads are seen in the log, not guessed by time. Answers what was said since `from`. */
const logged = async (text: string, from: number): Promise<string> => {
  await waitUntil(`"${text}" in the log`, () => server.output().slice(from).includes(text))
  return server.output().slice(from)
}

beforeAll(async () => {
  mkdirSync(join(plugin, 'node_modules/shout'), { recursive: true })
  write('node_modules/shout/package.json', '{"name":"shout","main":"index.js"}')
  write('node_modules/shout/index.js', 'module.exports = (text) => text.toUpperCase()')
  write('word.ts', `export const word: string = 'hello'`)
  write('index.ts', pluginText('1.0.0'))
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify({ plugins: { ext: { path: plugin } } }))
  server = await startHearth({ dataDir: join(folder, 'data'), args: ['--config', config] })
})
afterAll(async () => {
  await server.end()
  await gate.stop(true)
  rmSync(folder, { recursive: true })
})

test('it uses the SDK of the program and a package of its own', async () => {
  expect(await get('/ext')).toEqual({ version: '1.0.0', said: 'HELLO', dialect: 'sqlite' })
})

test('an edit replaces it while a request in flight finishes on the old one', async () => {
  const from = server.output().length
  const inFlight = get('/ext/hold')
  await reached.promise
  write('index.ts', pluginText('1.1.0'))
  // The new one serves while the old one still holds its request; only then is it let go.
  await waitUntil('the new version', async () => (await get('/ext'))['version'] === '1.1.0')
  opened.resolve(new Response('open'))
  expect(await inFlight).toEqual({ version: '1.0.0', gate: 'open' })
  await logged('reloaded', from)
})

test('an edit of a file it imports counts too', async () => {
  write('word.ts', `export const word: string = 'again'`)
  await waitUntil('the new word', async () => (await get('/ext'))['said'] === 'AGAIN')
})

test('an edit that does not parse or set up keeps the old one and says why', async () => {
  const first = server.output().length
  write('index.ts', 'export default definePlugin({')
  expect(await logged('not reloaded', first)).toContain('cannot be loaded')
  expect(await get('/ext')).toMatchObject({ version: '1.1.0' })
  const second = server.output().length
  write('index.ts', pluginText('2.0.0').replace(`'^0.1.0'`, `'^9.0.0'`))
  expect(await logged('not reloaded', second)).toContain('needs SDK ^9.0.0')
  expect(await get('/ext')).toMatchObject({ version: '1.1.0' })
})

test('a timer that throws does not take the server down, and is named', async () => {
  const from = server.output().length
  write('index.ts', pluginText('1.2.0', `setTimeout(() => { throw new Error('late') }, 1)`))
  await logged('uncaughtException', from)
  await waitUntil('the new version', async () => (await get('/ext'))['version'] === '1.2.0')
})
