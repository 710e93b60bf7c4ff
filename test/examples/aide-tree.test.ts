/** The tree of an experiment that really runs, as a person sees it grow in a browser. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { callJson, type Hearth, startHearth } from '../../scripts/hearth.ts'
import { type TemporaryFolder, temporaryFolder } from '../../scripts/temporary.ts'

const timeoutMs = 60_000
const executablePath = process.env['HEARTH_TEST_CHROMIUM'] ?? Bun.which('chromium')
const steps = 7
let folder: TemporaryFolder
let hearth: Hearth

if (!executablePath) process.stderr.write('SKIPPED: no Chromium, set HEARTH_TEST_CHROMIUM\n')

beforeAll(async () => {
  folder = await temporaryFolder()
  const config = join(folder.path, 'hearth.config.json')
  const experiments = { config: { python: '/usr/bin/python3' } }
  await Bun.write(config, JSON.stringify({ plugins: { experiments } }))
  hearth = await startHearth({ dataDir: join(folder.path, 'data'), args: ['--config', config] })
}, timeoutMs)

afterAll(async () => {
  await hearth?.end()
  await folder?.[Symbol.asyncDispose]()
})

const call = async <T>(method: string, path: string, body?: unknown) =>
  (await callJson<{ data: T }>(hearth.origin, '', method, path, body)).data

interface Results {
  readonly status: string
  readonly bestSolution: { readonly nodeId: string }
  readonly journal: { readonly nodes: readonly { id: string; parentId: string | null }[] }
}

test.skipIf(!executablePath)(
  'nodes appear while it runs, a diff opens, and nothing leaves the host',
  async () => {
    const { id } = await call<{ id: string }>(
      'POST',
      '/api/example-tasks/apartment-rents/experiments',
      { steps, reruns: 0, ensemble: false },
    )
    const browser = await chromium.launch({
      executablePath: executablePath as string,
      args: ['--no-sandbox'],
    })
    try {
      const page = await browser.newPage()
      page.setDefaultTimeout(30_000)
      const noise: string[] = []
      const hosts = new Set<string>()
      page.on('console', (message) => noise.push(message.text()))
      page.on('pageerror', ({ message }) => noise.push(message))
      page.on('request', (request) => hosts.add(new URL(request.url()).host))
      page.on('websocket', (socket) => hosts.add(new URL(socket.url()).host))
      await page.goto(`${hearth.origin}/api/experiments/${id}/tree.html?live=1`)
      expect(await page.locator('h2').textContent()).toBe('Nothing yet')
      await call('POST', `/api/experiments/${id}/start`)
      await page.locator('.node').first().waitFor()
      await page.locator('header .pill', { hasText: 'completed' }).waitFor()
      const { status, bestSolution, journal } = await call<Results>(
        'GET',
        `/api/experiments/${id}/results`,
      )
      const drawn = await page.evaluate(
        "[...document.querySelectorAll('[data-node]')].map((one) => one.dataset.node).sort()",
      )
      expect({ status, drawn }).toEqual({
        status: 'completed',
        drawn: journal.nodes.map((node) => node.id),
      })
      const best = await page.locator('.node.best').getAttribute('data-node')
      expect(best).toBe(bestSolution.nodeId)
      const child = journal.nodes.find(({ parentId }) => parentId !== null)
      await page.locator(`[data-node=${child?.id}] .step`).click()
      await page.click('[data-tab=Diff]')
      expect(await page.locator('.diff .add').count()).toBeGreaterThan(0)
      await page.click('[data-tab=Output]')
      expect(await page.locator('pre').first().textContent()).not.toBe('')
      expect({ noise, hosts: [...hosts] }).toEqual({
        noise: [],
        hosts: [new URL(hearth.origin).host],
      })
    } finally {
      await browser.close()
    }
  },
  timeoutMs,
)
