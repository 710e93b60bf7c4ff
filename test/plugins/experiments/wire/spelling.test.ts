/** Every answer is in camelCase, and every time in one form, wherever one looks. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { sql } from '../../../../src/sdk.ts'
import type { PluginUnderTest } from '../../../../src/testing.ts'
import { finished, oneStep, proposed } from './journal.ts'
import { created, dataOf, open, storeOf, uploaded } from './rig.ts'

let app: PluginUnderTest
let id: string
let file: string
beforeAll(async () => {
  app = await open()
  ;[file = ''] = await uploaded(app.fetch, { 'a.csv': 'a,b\n1,2\n' })
  id = (await created(app.fetch, { files: [file], steps: 3, budget: { seconds: 60 } })).id
  const exception = {
    ...{ type: 'ValueError', message: 'bad', args: ['bad'] },
    stack: [['solution.py', 1, '<module>', 'f()'] as const],
  }
  const failed = { failure: 'exception' as const, exception }
  const final = { best: 'node_1', finalists: [], isWithinNoise: false, explanation: 'It ran.' }
  await storeOf(app).append(id, () => [
    ...oneStep,
    proposed(2),
    finished(2, failed),
    { type: 'noted', text: 'a note' },
    { type: 'completed', final: { ...final, report: null } },
  ])
  await app.db.run(callOfNode1(id, app.clock.now()))
})
afterAll(() => app.stop())

/** As a model's call is kept. */
const callOfNode1 = (experiment: string, at: number) => sql`
  insert into experiments_call (id, experiment_id, step, operator, role, model, prompt, reply, at)
  values ('call_1', ${experiment}, 1, 'draft', 'code', 'gpt-4.1', 'write', 'done', ${at})`

/** Each breach with the place where it is; events of the journal keep what programs said. */
const breaches = (value: unknown, place = ''): string[] => {
  if (Array.isArray(value)) return value.flatMap((one, i) => breaches(one, `${place}[${i}]`))
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, one]) => [
      ...(/^[a-z][a-zA-Z0-9]*$/.test(key) ? [] : [`${place}.${key} is not camelCase`]),
      ...(isTime(key) && !isWritten(one) ? [`${place}.${key} is ${JSON.stringify(one)}`] : []),
      ...breaches(one, `${place}.${key}`),
    ])
  }
  const isDate = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)
  return isDate && !isWritten(value) ? [`${place} is ${value}`] : []
}

const isTime = (key: string) => key === 'at' || key === 'timestamp' || /[a-z]At$/.test(key)
const isWritten = (value: unknown) =>
  value === null || /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(String(value))

test.each([
  '/api/experiments',
  '/api/experiments/ID',
  '/api/experiments/ID/status',
  '/api/experiments/ID/results',
  '/api/experiments/ID/nodes/node_1',
  '/api/experiments/ID/events',
  '/api/experiments/ID/calls',
  '/api/files',
  '/api/files/FILE',
  '/api/config',
])('%s', async (path) => {
  const reply = app.fetch(path.replace('ID', id).replace('FILE', file))
  expect(breaches(await dataOf(reply))).toEqual([])
})

test('live messages too', async () => {
  const messages = app.published.map(({ message }) => message.data)
  expect(breaches(messages)).toEqual([])
})

test('the rule itself finds what breaks it', () => {
  const wrong = { created_at: 1, a: [{ startedAt: 5 }, '2026-01-01T00:00:00.5Z'], at: null }
  expect(breaches(wrong)).toEqual([
    '.created_at is not camelCase',
    '.a[0].startedAt is 5',
    '.a[1] is 2026-01-01T00:00:00.5Z',
  ])
})
