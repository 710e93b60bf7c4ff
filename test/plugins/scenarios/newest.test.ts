/** Lists are whole and begin with the oldest; pages of them are counted from the newest. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { onnxOf } from '../../../plugins/scenarios/models/onnx.ts'
import { openDesk } from './gateway/desk.ts'
import { policyFile } from './serving/networks.ts'

let desk: Awaited<ReturnType<typeof openDesk>>
const ids: string[] = []

beforeAll(async () => {
  desk = await openDesk()
  for (const name of ['a', 'b', 'c', 'd']) {
    const body = new Blob([onnxOf(policyFile(4), name) as Uint8Array<ArrayBuffer>])
    const reply = await desk.plugin.fetch(`/api/models?name=${name}`, { method: 'POST', body })
    ids.push(((await reply.json()) as { id: string }).id)
  }
})
afterAll(() => desk[Symbol.asyncDispose]())

const listed = async (query: string) => {
  const reply = await desk.plugin.fetch(`/api/models${query}`)
  return ((await reply.json()) as { id: string }[]).map(({ id }) => ids.indexOf(id))
}

test.each([
  ['', [0, 1, 2, 3]],
  ['?limit=2', [2, 3]],
  ['?limit=2&skip=2', [0, 1]],
  ['?limit=2&skip=3', [0]],
  ['?skip=1', [0, 1, 2]],
  ['?skip=9', []],
])('/api/models%s', async (query, expected) => {
  expect(await listed(query)).toEqual(expected)
})

test.each(['/api/models', '/api/training'])('%s says what a page may be', async (path) => {
  const refused = await desk.plugin.fetch(`${path}?limit=0`)
  expect([refused.status, (await refused.text()).includes('limit')]).toEqual([422, true])
  expect((await desk.plugin.fetch(`${path}?limit=5&skip=9`)).status).toBe(200)
})
