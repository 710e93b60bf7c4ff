/** The tree page in a real browser: drawn, used by mouse and keys, and deaf to hostile text. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { changesBetween } from '../../../../plugins/experiments/tree/changes.ts'
import { placesOf } from '../../../../plugins/experiments/tree/layout.ts'
import {
  safeJson,
  type TreeData,
  treePage,
  treePolicy,
} from '../../../../plugins/experiments/tree/page.ts'
import { demo, hostile } from './sample.ts'

test('places siblings apart, children below, orphans beside the drafts', () => {
  const node = (id: string, parentId: string | null) => ({ id, parentId })
  const nodes = [node('a', null), node('b', 'a'), node('c', 'a'), node('d', 'gone')]
  expect(Object.fromEntries(placesOf(nodes))).toEqual({
    a: { x: -37, y: 0 },
    b: { x: -74, y: 98 },
    c: { x: 0, y: 98 },
    d: { x: 37, y: 0 },
  })
})

test('tells line by line what changed', () => {
  expect(changesBetween('a\nb\nc', 'a\nB\nc')).toEqual(['@ line 1, now 1', ' a', '-b', '+B', ' c'])
  expect(changesBetween('a', 'a')).toEqual([])
})

test('JSON in the page holds nothing that HTML could read', () => {
  const text = safeJson({ hostile })
  expect(text).not.toMatch(/[<>&\u2028]/)
  expect(JSON.parse(text)).toEqual({ hostile })
})

const executablePath = process.env['HEARTH_TEST_CHROMIUM'] ?? Bun.which('chromium')

if (!executablePath) process.stderr.write('SKIPPED: no Chromium, set HEARTH_TEST_CHROMIUM\n')

describe.skipIf(!executablePath)('in Chromium', () => {
  let browser: Browser
  let server: Bun.Server<undefined>
  let data: TreeData
  const noise: string[] = []
  const asked: string[] = []
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: executablePath as string,
      args: ['--no-sandbox'],
    })
    server = Bun.serve({
      port: 0,
      fetch: ({ url }) =>
        new URL(url).pathname === '/tree'
          ? new Response(treePage(data), {
              headers: { 'content-type': 'text/html', 'content-security-policy': treePolicy },
            })
          : new Response(null, { status: 204 }),
    })
  })
  afterAll(async () => {
    await browser.close()
    await server.stop(true)
  })

  const open = async (tree: TreeData): Promise<Page> => {
    data = tree
    noise.length = 0
    asked.length = 0
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } })
    page.setDefaultTimeout(20_000)
    page.on('console', (message) => noise.push(message.text()))
    page.on('pageerror', ({ message }) => noise.push(message))
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(`${server.url.href}tree`)
    return page
  }

  test('draws every node, and shows each tab of the chosen one', async () => {
    const page = await open(demo(24))
    expect(await page.locator('.node').count()).toBe(24)
    expect(await page.locator('.node.buggy .value').first().textContent()).toBe('exception')
    expect(await page.locator('.node.best .star').count()).toBe(1)
    const best = data.nodes.find(({ id }) => id === data.best)
    expect(await page.locator('h2').textContent()).toStartWith(`Step ${best?.step}`)
    await page.click('[data-tab=Diff]')
    expect(await page.locator('.diff .add').count()).toBeGreaterThan(0)
    await page.click('[data-tab=Code]')
    expect(await page.locator('pre code').textContent()).toBe(best?.code as string)
    await page.click('[data-tab=Output]')
    expect(await page.locator('pre').textContent()).toBe(`validation of ${best?.step}\n`)
    const buggy = data.nodes.find(({ isBuggy }) => isBuggy)
    await page.locator(`[data-node=${buggy?.id}] .step`).click()
    expect(await page.locator('.warn').first().textContent()).toBe('ValueError: Input contains NaN')
    expect({ noise, asked }).toEqual({ noise: [], asked: [`${server.url.href}tree`] })
    await page.close()
  })

  test('is walked by keys', async () => {
    const page = await open(demo(24))
    const child = data.nodes.find(({ parentId }) => parentId === 'node_1')
    await page.locator('[data-node=node_1]').focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    expect(await page.locator('.node.chosen').getAttribute('data-node')).toBe(child?.id as string)
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('ArrowRight')
    expect(await page.locator('h2').textContent()).toStartWith('Step 2')
    await page.close()
  })

  test('takes text for text, wherever it comes from', async () => {
    const tree = demo(3)
    const nodes = tree.nodes.map((node) => ({
      ...node,
      plan: hostile,
      code: hostile,
      analysis: hostile,
      author: hostile,
      failureMessage: hostile,
      warnings: [hostile],
      termOut: [hostile],
      calls: ['call'],
    }))
    const call = { id: 'call', role: hostile, model: hostile, prompt: hostile, reply: hostile }
    const calls = [{ ...call, tokens: 1, usd: 0.5, latencyMs: 20 }]
    const page = await open({ ...tree, name: hostile, goal: hostile, nodes, calls })
    for (const tab of ['Result', 'Code', 'Diff', 'Output', 'Prompts']) {
      await page.click(`[data-tab=${tab}]`)
      expect(await page.locator('img').count()).toBe(0)
      expect(await page.evaluate('typeof window.pwned')).toBe('undefined')
    }
    expect(await page.locator('pre').first().textContent()).toBe(hostile)
    expect({ noise, asked }).toEqual({ noise: [], asked: [`${server.url.href}tree`] })
    await page.close()
  })

  test('works inside a srcdoc frame', async () => {
    const page = await browser.newPage()
    const html = treePage(demo(8)).replaceAll('&', '&amp;').replaceAll('"', '&quot;')
    const sandbox = 'sandbox="allow-scripts allow-same-origin"'
    await page.setContent(`<iframe ${sandbox} width="900" height="600" srcdoc="${html}"></iframe>`)
    const frame = page.frameLocator('iframe')
    await frame.locator('[data-tab=Code]').click()
    expect(await frame.locator('.node').count()).toBe(8)
    expect(await frame.locator('pre code').count()).toBe(1)
    await page.close()
  })

  test('stays quick with a thousand nodes, and shows an empty tree', async () => {
    const page = await open(demo(1000))
    expect(await page.locator('.node').count()).toBe(1000)
    const ms = await page.evaluate(`(() => {
      const begun = performance.now()
      for (const id of ['node_10', 'node_900', 'node_500']) {
        document.querySelector('[data-node=' + id + ']')
          .dispatchEvent(new MouseEvent('click', { bubbles: true }))
      }
      return performance.now() - begun
    })()`)
    expect(ms).toBeLessThan(1000)
    await page.close()
    const empty = await open({ ...demo(3), nodes: [], best: null })
    expect(await empty.locator('h2').textContent()).toBe('Nothing yet')
    expect(noise).toEqual([])
    await empty.close()
  })
})
