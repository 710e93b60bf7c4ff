/** Other plugins register models too: versioned by name, their owners' own, files counted. */
import { expect, test } from 'bun:test'
import scenarios from '../../../plugins/scenarios/index.ts'
import { type ModelDraft, type Models, models } from '../../../plugins/scenarios/service.ts'
import { Registry } from '../../../plugins/scenarios/models/registry.ts'
import { definePlugin, type Who } from '../../../src/sdk.ts'
import { migrate } from '../../../src/storage/migrate.ts'
import { openDatabase } from '../../../src/storage/open.ts'
import { memoryBlobs } from '../../../src/storage/blobs-memory.ts'
import { fakeClock, testPlugin } from '../../../src/testing.ts'

const ada: Who = { id: 1, username: 'ada', isSuperuser: false, via: 'key' }
const bob: Who = { id: 2, username: 'bob', isSuperuser: false, via: 'key' }

const opened = async () => {
  const db = await openDatabase({ dataDir: ':memory:' })
  await migrate(db, [{ plugin: 'scenarios', migrations: scenarios.migrations ?? [] }])
  const blobs = memoryBlobs()
  return { blobs, registry: new Registry({ db, blobs, clock: fakeClock(5000) }).service }
}

const draft = (more: Partial<ModelDraft> = {}, text = 'weights'): ModelDraft => ({
  name: 'tiny llama',
  kind: 'adapter',
  scenario: { id: 'none', version: 0 },
  framework: 'Native',
  accuracy: 91.5,
  episodes: 10,
  test: { episodes: 10 },
  lineage: { jobId: 'job-1', base: 'llama' },
  files: [{ path: 'model/adapter.bin', open: async () => new Blob([text]).stream() }],
  ...more,
})

test('versions count up by owner and name, and lineage is kept', async () => {
  const { registry } = await opened()
  const first = await registry.register(ada, draft())
  const second = await registry.register(ada, draft({ lineage: { parentId: first.id } }))
  await registry.register(ada, draft({ name: 'another' }))
  await registry.register(bob, draft())
  const named = await registry.list(ada, { name: 'tiny llama' })
  expect(named.map(({ id, number }) => [id, number])).toEqual([
    [first.id, 1],
    [second.id, 2],
  ])
  expect(JSON.parse(second.lineage)).toEqual({ parentId: first.id })
  expect((await registry.list(ada)).map(({ name }) => name)).toEqual([
    'tiny llama',
    'tiny llama',
    'another',
  ])
  await expect(registry.get(bob, first.id)).rejects.toThrow('Model not found')
})

test('sent again with its id it is the one that is there', async () => {
  const { registry } = await opened()
  const first = await registry.register(ada, draft({ id: 'model_x' }))
  expect(await registry.register(ada, draft({ id: 'model_x', name: 'late' }))).toEqual(first)
})

test('files go with the last model that has them', async () => {
  const { registry, blobs } = await opened()
  const [one, other] = [
    await registry.register(ada, draft()),
    await registry.register(ada, draft()),
  ]
  const [file] = await registry.files(ada, one.id)
  const sha256 = file?.sha256 ?? ''
  expect(file).toEqual({ model_id: one.id, path: 'model/adapter.bin', sha256, size: 7 })
  await registry.remove(ada, one.id)
  await expect(registry.files(ada, one.id)).rejects.toThrow('Model not found')
  const bytes = await registry.file(ada, other.id, 'model/adapter.bin')
  expect(await new Response(bytes).text()).toBe('weights')
  await expect(registry.file(ada, other.id, 'model/x')).rejects.toThrow('no file model/x')
  await registry.remove(ada, other.id)
  expect(await blobs.info(sha256)).toBeNull()
})

test('files that go while a model with the same ones is told of are stored again', async () => {
  const { registry, blobs } = await opened()
  const one = await registry.register(ada, draft())
  const { put } = blobs
  let stored = 0
  blobs.put = async (...args) => {
    const info = await put(...args)
    if (stored++ === 0) await registry.remove(ada, one.id)
    return info
  }
  const other = await registry.register(ada, draft())
  const bytes = await registry.file(ada, other.id, 'model/adapter.bin')
  expect([await new Response(bytes).text(), stored]).toEqual(['weights', 2])
})

test('another plugin is handed it by name', async () => {
  const { registry } = await opened()
  let handed: Models | undefined
  const plugin = definePlugin({
    id: 'user',
    version: '1.0.0',
    sdk: '>=0.1.0',
    uses: { models },
    setup({ uses }) {
      handed = uses.models
      return {}
    },
  })
  await using server = await testPlugin(plugin, { services: { models: registry } })
  expect(server).toBeDefined()
  expect(handed).toBe(registry)
  expect(scenarios.provides).toMatchObject({ models })
})
