/** Which frameworks there are, told by probes: jobs are stood in for, what follows is not. */
import { expect, test } from 'bun:test'
import scenarios from '../../../../plugins/scenarios/index.ts'
import type { JobView } from '../../../../src/sdk.ts'
import { testPlugin } from '../../../../src/testing.ts'

interface Framework {
  readonly name: string
  readonly available: boolean
  readonly version: string | null
  readonly reason: string | null
}

/** Nodes that answer or not, jobs that end as they are told, and the plugin that asks them. */
const open = async () => {
  const submitted: { readonly name?: string }[] = []
  const listeners = new Map<string, (job: JobView) => Promise<void>>()
  const nodes = new Map([['rex', 'online']])
  let left = '{"version":"0.7.5"}'
  const jobs = {
    addSink() {},
    onFinished: (kind: string, listener: (job: JobView) => Promise<void>) =>
      listeners.set(kind, listener),
    nodes: async () => [...nodes].map(([name, state]) => ({ name, state })),
    submit: async (_: unknown, submission: { readonly name?: string }) => {
      submitted.push(submission)
      return { id: `job-${submitted.length}` }
    },
    bytes: { artifact: async () => new Response(left).body },
  }
  const plugin = await testPlugin(scenarios, { services: { jobs } })
  return {
    nodes,
    submitted,
    leave: (text: string) => void (left = text),
    end: async (ended: Partial<JobView>) => {
      const { name } = submitted.at(-1) ?? {}
      await listeners.get('scenarios.probe')?.({
        ...{ id: 'job', name, owner: 0, node: 'rex', state: 'succeeded' },
        ...{ outcome: null, error: null },
        ...ended,
      } as JobView)
    },
    probe: async (name: string, body?: object) => {
      const reply = await plugin.fetch(`/api/frameworks/${name}/probe`, {
        method: 'POST',
        ...(body && {
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }),
      })
      return { status: reply.status, body: (await reply.json()) as object }
    },
    autogen: async () => {
      const all = (await (await plugin.fetch('/api/frameworks')).json()) as Framework[]
      return all.find(({ name }) => name === 'AutoGen')
    },
    playing: async (id: string) => {
      const reply = await plugin.fetch(`/api/scenarios/${id}`)
      return ((await reply.json()) as { frameworks: string[] }).frameworks
    },
    [Symbol.asyncDispose]: () => plugin.stop(),
  }
}

const missing = (reason: string | RegExp) => ({
  name: 'AutoGen',
  available: false,
  version: null,
  reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
})

test('a probe that worked makes it available, as long as its node is online', async () => {
  await using lab = await open()
  expect(await lab.autogen()).toEqual(missing(/^AutoGen needs packages of Python/))
  expect(await lab.probe('AutoGen', { node: 'rex' })).toEqual({
    status: 200,
    body: { job_id: 'job-1', status: 'started' },
  })
  expect(await lab.autogen()).toEqual(missing('AutoGen is being tried by job job-1'))
  // One at a time: who asks meanwhile is told of the same job.
  expect((await lab.probe('AutoGen')).body).toEqual({ job_id: 'job-1', status: 'started' })
  expect<readonly object[]>(lab.submitted).toEqual([
    {
      kind: 'scenarios.probe',
      spec: { framework: 'AutoGen', node: 'rex' },
      name: expect.stringContaining('probe AutoGen'),
    },
  ])
  await lab.end({})
  const there = { name: 'AutoGen', available: true, version: '0.7.5', reason: null }
  expect(await lab.autogen()).toEqual(there)
  expect(await lab.playing('customer_support')).toEqual(['Native', 'LangChain', 'AutoGen'])
  expect(await lab.playing('cartpole')).toEqual(['Native'])
  lab.nodes.set('rex', 'offline')
  expect(await lab.autogen()).toEqual(missing(/^AutoGen is installed on rex only/))
  expect(await lab.playing('customer_support')).toEqual(['Native', 'LangChain'])
  lab.nodes.set('rex', 'online')
  expect(await lab.autogen()).toEqual(there)
})

test.each([
  [{ state: 'failed', outcome: { message: 'no matching wheel' } }, 'no matching wheel'],
  [{ state: 'failed', error: { type: 'ImportError', message: 'no _ctypes' } }, 'no _ctypes'],
  [{ state: 'cancelled' }, 'its job is cancelled'],
])('a probe that did not says why: %o', async (ended, reason) => {
  await using lab = await open()
  await lab.probe('AutoGen')
  await lab.end(ended as Partial<JobView>)
  const again = 'POST /api/frameworks/AutoGen/probe'
  const said = `AutoGen could not be installed: ${reason}. To try again: ${again}`
  expect(await lab.autogen()).toEqual(missing(said))
})

test('the last probe of a node is the one that counts', async () => {
  await using lab = await open()
  await lab.probe('AutoGen')
  await lab.end({})
  await lab.probe('AutoGen')
  expect((await lab.autogen())?.available).toBe(true)
  await lab.end({ state: 'failed' })
  expect((await lab.autogen())?.available).toBe(false)
})

test.each([
  ['LangChain', 409],
  ['Native', 409],
  ['autogen', 422],
  ['Agents', 422],
])('nothing is probed for %s', async (name, status) => {
  await using lab = await open()
  expect((await lab.probe(name)).status).toBe(status)
  expect(lab.submitted).toEqual([])
})
