/** What is not JSON: pages, programs and archives, with the headers that keep browsers safe. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { PluginUnderTest } from '../../../../src/testing.ts'
import { oneStep } from './journal.ts'
import { answer, created, dataOf, failure, open, storeOf } from './rig.ts'

let app: PluginUnderTest
let id: string
beforeAll(async () => {
  app = await open()
  id = (await created(app.fetch, { name: '<b>Houses</b>' })).id
  await storeOf(app).append(id, () => oneStep)
})
afterAll(() => app.stop())

const get = (rest: string) => app.fetch(`/api/experiments/${id}/${rest}`)

test('the tree is one page under both names, and runs nothing but its own script', async () => {
  const pages = await Promise.all([get('tree.html'), get('tree-visualization')])
  const [page, other] = await Promise.all(pages.map((reply) => reply.text()))
  expect(page).toBe(other)
  const { status, headers } = pages[0] as Response
  const policy = headers.get('content-security-policy') ?? ''
  const hash = "'sha256-[A-Za-z0-9+/]{43}='"
  expect([status, headers.get('content-type'), headers.get('x-content-type-options')]).toEqual([
    200,
    'text/html; charset=utf-8',
    'nosniff',
  ])
  expect(policy.split('; ')).toEqual([
    "default-src 'none'",
    expect.stringMatching(new RegExp(`^script-src ${hash}$`)),
    expect.stringMatching(new RegExp(`^style-src ${hash}$`)),
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ])
  expect(page).toContain('&lt;b&gt;Houses&lt;/b&gt;')
  expect(page).not.toMatch(/(src|href)="?(https?:)?\/\//)
})

test('the page is the address in the results, or in its place when asked for', async () => {
  const { treeVisualization } = await dataOf<{ treeVisualization: string }>(get('results'))
  expect(treeVisualization).toBe(`/api/experiments/${id}/tree.html`)
  const embedded = await dataOf<{ treeVisualization: string }>(get('results?embed=tree'))
  expect(embedded.treeVisualization).toBe(await (await get('tree.html')).text())
})

test('the best program is a file, and so is the journal for AIDE', async () => {
  const solution = await get('solution.py')
  expect([solution.status, solution.headers.get('content-disposition')]).toEqual([
    200,
    'attachment; filename="solution.py"',
  ])
  expect(await solution.text()).toBe('print(0.5)')
  const journal = await (await get('journal')).json()
  expect(journal).toMatchObject({
    nodes: [{ step: 0, code: 'print(0.5)', metric: { value: 0.5, maximize: true } }],
    node2parent: {},
    __version: '2',
  })
})

test('what there is none of yet is 404, in words', async () => {
  const { id: other } = await created(app.fetch)
  const reply = await app.fetch(`/api/experiments/${other}/solution.py`)
  expect(await answer(reply)).toEqual(failure(404, 'NOT_FOUND', 'There is no solution yet'))
  expect(await answer(await get('report'))).toEqual(
    failure(404, 'NOT_FOUND', 'There is no report: it has not completed'),
  )
})

test('events are read from a place on', async () => {
  const all = await dataOf<{ events: { seq: number; type: string }[] }>(get('events'))
  expect(all.events.map(({ seq, type }) => [seq, type])).toEqual([
    [1, 'started'],
    [2, 'directed'],
    [3, 'proposed'],
    [4, 'finished'],
  ])
  expect(await dataOf<object>(get('events?since=3'))).toEqual({ events: all.events.slice(3) })
})
