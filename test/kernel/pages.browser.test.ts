/** The documentation pages in a real browser: what a person sees, not what the server sends. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tracking from '../../plugins/tracking/index.ts'
import { readSettings } from '../../src/kernel/config.ts'
import { silentLogger } from '../../src/kernel/log.ts'
import { type RunningServer, startServer } from '../../src/kernel/server.ts'

const chromium = process.env['HEARTH_TEST_CHROMIUM'] ?? Bun.which('chromium')
const folder = mkdtempSync(join(tmpdir(), 'hearth-pages-'))
let server: RunningServer

if (!chromium) process.stderr.write('SKIPPED: no Chromium, set HEARTH_TEST_CHROMIUM\n')

beforeAll(async () => {
  const settings = readSettings({ PORT: '0', DATA_DIR: join(folder, 'data') })
  const source = { plugin: tracking, config: undefined, optional: false }
  server = await startServer(settings, [source], silentLogger)
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The page's elements once its scripts have run. */
const render = async (path: string): Promise<string> => {
  const browser = Bun.spawn(
    [
      chromium as string,
      ...'--headless --no-sandbox --disable-gpu --disable-quic --no-first-run'.split(' '),
      ...'--disable-background-networking --disable-component-update --disable-sync'.split(' '),
      `--user-data-dir=${join(folder, `profile${path.replaceAll('/', '-')}`)}`,
      '--virtual-time-budget=20000',
      '--dump-dom',
      `${server.url}${path}`,
    ],
    { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' },
  )
  const [html] = await Promise.all([new Response(browser.stdout).text(), browser.exited])
  return html
}

test.skipIf(!chromium).each(['/docs', '/redoc'])(
  '%s shows the operations',
  async (path) => {
    const html = await render(path)
    expect(html).toContain('Log many metrics at once')
    expect(html).toContain('Register a new user')
  },
  60_000,
)
