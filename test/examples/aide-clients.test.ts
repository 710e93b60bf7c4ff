/** The clients that AIDE's document prints, against a server: axios, requests, and a browser. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { must } from '../../scripts/command.ts'
import { type Hearth, startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { type TemporaryFolder, temporaryFolder } from '../../scripts/temporary.ts'
import { testWith } from '../faults/needs.ts'
import type * as Client from './aide/client.ts'
import { housePrices, housesCsv } from './aide/houses.ts'

const timeoutMs = 60_000
const executablePath = process.env['HEARTH_TEST_CHROMIUM'] ?? Bun.which('chromium')
const python = process.env['HEARTH_TEST_PYTHON'] ?? 'python3'
const here = join(import.meta.dir, 'aide')
let folder: TemporaryFolder
let hearth: Hearth
let client: typeof Client

if (!executablePath) process.stderr.write('SKIPPED: no Chromium, set HEARTH_TEST_CHROMIUM\n')

const pages = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  routes: {
    '/': () => html('<input type="file" multiple><script type="module" src="/page.js"></script>'),
    '/page.js': async () => {
      const define = { 'process.env.VITE_API_URL': JSON.stringify(hearth.origin) }
      const entrypoints = [join(here, 'page.ts')]
      const { outputs } = await Bun.build({ entrypoints, target: 'browser', define })
      return new Response(outputs[0], { headers: { 'content-type': 'text/javascript' } })
    },
    '/favicon.ico': () => new Response(null, { status: 204 }),
  },
})
const html = (body: string) =>
  new Response(`<!doctype html>${body}`, { headers: { 'content-type': 'text/html' } })
const pagesOrigin = `http://localhost:${pages.port}`

beforeAll(async () => {
  folder = await temporaryFolder()
  const config = join(folder.path, 'hearth.config.json')
  // The built-in programs need nothing but Python itself then, and are done in a moment.
  const experiments = { config: { python: '/usr/bin/python3' } }
  await Bun.write(config, JSON.stringify({ corsOrigins: [pagesOrigin], plugins: { experiments } }))
  await Bun.write(join(folder.path, 'housing_data.csv'), housesCsv())
  hearth = await startHearth({ dataDir: join(folder.path, 'data'), args: ['--config', config] })
  process.env['VITE_API_URL'] = hearth.origin
  client = await import('./aide/client.ts')
}, timeoutMs)

afterAll(async () => {
  delete process.env['VITE_API_URL']
  await hearth?.end()
  await pages.stop(true)
  await folder?.[Symbol.asyncDispose]()
})

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
const experimentId = expect.stringMatching(/^exp_[0-9a-f]{12}$/)
const score = { value: expect.any(Number), maximize: false }
const success = (data: unknown) => ({
  success: true,
  data,
  message: 'Operation completed successfully',
  timestamp: time,
})

const housing = {
  id: expect.stringMatching(/^file_[0-9a-f]{12}$/),
  filename: expect.stringMatching(/\.csv$/),
  originalName: 'housing_data.csv',
  size: housesCsv().length,
  mimeType: 'text/csv',
  uploadedAt: time,
}

/** What the document prints of results, and the names that its front end reads beside it. */
const results = (id: unknown) => ({
  experimentId: id,
  status: 'completed',
  bestSolution: { code: expect.any(String), metric: score },
  journal: {
    nodes: [1, 2].map((step) => ({
      id: `node_${step}`,
      step,
      code: expect.any(String),
      metric: score,
      isBuggy: false,
      execTime: expect.any(Number),
      termOut: expect.any(Array),
    })),
    createdAt: time,
  },
  bestMetric: score,
  config: { steps: 2 },
  totalTime: expect.any(Number),
  treeVisualization: expect.stringMatching(/^\/api\/experiments\/exp_[0-9a-f]{12}\/tree\.html$/),
  completedAt: time,
})

const withName = (text: string) => new File([text], 'housing_data.csv', { type: 'text/csv' })

test(
  'axios uploads, creates, starts and reads the results',
  async () => {
    const { experimentAPI, fileAPI } = client
    const uploaded = await fileAPI.upload([withName(housesCsv()), withName('a\n1\n')])
    expect([uploaded.status, uploaded.data]).toEqual([
      200,
      success([expect.objectContaining(housing), expect.objectContaining({ size: 4 })]),
    ] as never)
    const [{ id: file }] = uploaded.data.data
    const made = await experimentAPI.create(housePrices([file]))
    const { name, goal, steps, eval: evaluation } = housePrices([])
    const { id } = made.data.data
    expect([made.status, made.data]).toMatchObject([
      201,
      {
        success: true,
        data: {
          id: experimentId,
          ...{ name, goal, eval: evaluation, steps, status: 'pending', createdAt: time },
          dataDir: `/experiments/${id}/data`,
        },
      },
    ] as never)
    const started = await experimentAPI.start(id)
    expect([started.status, started.data]).toEqual([
      200,
      success({ id, status: 'running', startedAt: time }),
    ] as never)
    await waitUntil('the end', async () => {
      const { data } = await experimentAPI.getResults(id)
      return data.data.status !== 'running'
    })
    expect((await experimentAPI.getResults(id)).data).toMatchObject(success(results(id)))
  },
  timeoutMs,
)

test('axios is told of a mistake in the words of the document', async () => {
  const { experimentAPI } = client
  const refusalOf = (reply: Promise<unknown>) =>
    reply.then(
      () => null,
      ({ response }) => ({ status: response.status, ...response.data }),
    )
  const refused = (status: number, code: string, message: string) => ({
    ...{ status, success: false, detail: message, timestamp: time },
    error: { code, message, details: { requestId: expect.any(String) } },
  })
  const unknown = refused(404, 'EXPERIMENT_NOT_FOUND', 'Experiment does not exist')
  expect(await refusalOf(experimentAPI.start('exp_123456789'))).toEqual(unknown)
  expect(await refusalOf(experimentAPI.getResults('exp_123456789'))).toEqual(unknown)
  expect(await refusalOf(experimentAPI.create(housePrices(['file-id-1'])))).toEqual(
    refused(404, 'FILE_NOT_FOUND', 'There is no file file-id-1'),
  )
})

testWith('python')(
  'requests creates and starts, and a second start is an error',
  async () => {
    const stored = await client.fileAPI.upload([withName(housesCsv())])
    const files = [stored.data.data[0].id]
    const script = `
import json, requests
from client import AIDEClient

client = AIDEClient(base_url="${hearth.origin}")
made = client.create_experiment(json.loads('${JSON.stringify(housePrices(files, 50))}'))
started = client.start_experiment(made["data"]["id"])
try:
    client.start_experiment(made["data"]["id"])
except requests.HTTPError as error:
    refused = {"status": error.response.status_code, "code": error.response.json()["error"]["code"]}
print(json.dumps([made, started, refused]))
`
    const env = { PYTHONPATH: here, PYTHONDONTWRITEBYTECODE: '1' }
    const [made, started, refused] = JSON.parse(await must([python, '-c', script], { env }))
    const { id } = made.data
    expect([made.data.status, started, refused]).toEqual([
      'pending',
      success({ id, status: 'running', startedAt: time }),
      { status: 409, code: 'EXPERIMENT_ALREADY_RUNNING' },
    ] as never)
    const stopped = await fetch(`${hearth.origin}/api/experiments/${id}/stop`, { method: 'POST' })
    expect(await stopped.json()).toEqual(
      success({ id, status: 'stopped', stoppedAt: time }) as never,
    )
  },
  timeoutMs,
)

/** In the page: all of the document's calls, from a file that was chosen to the results. */
const story = (config: object) => `(async () => {
  const uploaded = await fileAPI.upload(document.querySelector('input').files)
  const file = uploaded.data.data[0]
  const made = await experimentAPI.create({ ...${JSON.stringify(config)}, files: [file.id] })
  const { id } = made.data.data
  const socket = io('ws://${new URL(hearth.origin).host}/ws/experiments/' + id)
  const told = []
  socket.onAny((name, message) => told.push([name, message.type, message.data]))
  await new Promise((resolve) => socket.on('connect', resolve))
  const completed = new Promise((resolve) => socket.on('experiment_complete', resolve))
  await experimentAPI.start(id)
  const { data: complete } = await completed
  const { data, headers } = await experimentAPI.getResults(id)
  socket.disconnect()
  return { file, id, told, complete, results: data, limit: headers['x-ratelimit-limit'] }
})()`

test.skipIf(!executablePath)(
  'a page of another origin does all of it, and is told live',
  async () => {
    const browser = await chromium.launch({
      executablePath: executablePath as string,
      args: ['--no-sandbox'],
    })
    try {
      const page = await browser.newPage()
      const noise: string[] = []
      page.on('console', (message) => noise.push(message.text()))
      page.on('pageerror', ({ message }) => noise.push(message))
      await page.goto(pagesOrigin)
      await page.setInputFiles('input', join(folder.path, 'housing_data.csv'))
      await page.waitForFunction('globalThis.fileAPI !== undefined')
      const seen = (await page.evaluate(story(housePrices([])))) as Record<string, unknown>
      const { id, told, file, complete } = seen
      expect({
        file,
        complete,
        results: seen['results'],
        limit: seen['limit'],
        noise,
      }).toMatchObject({
        file: housing,
        complete: {
          experimentId: id,
          ...{ status: 'completed', bestMetric: score, totalTime: expect.any(Number) },
          completedAt: expect.stringMatching(/Z$/),
          results: { bestSolution: { metric: score }, journal: { nodes: [{}, {}] } },
        },
        results: success(results(id)),
        limit: '100',
        noise: [],
      } as never)
      const progress = (told as [string, string, Record<string, unknown>][])
        .filter(([name, type]) => name === 'progress' && type === name)
        .map(([, , data]) => [data['currentStep'], data['totalSteps'], data['progress']])
      expect(progress).toEqual([
        [0, 2, 0],
        [1, 2, 0.5],
        [2, 2, 1],
      ])
    } finally {
      await browser.close()
    }
  },
  timeoutMs,
)
