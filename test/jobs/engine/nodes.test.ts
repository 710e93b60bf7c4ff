/** Who may be a node: tokens, credentials, versions, copies; and who may see and do what. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { dialects, FakeNode, type Joined, type Lab, openLab, openTestDatabase } from './fixture.ts'

const join = (lab: Lab, token: string, change: object = {}) =>
  lab.send<Joined>('POST', '/api/agents/join', {
    token,
    name: 'box',
    protocol: '1.0',
    version: '0',
    ...change,
  })

describe.each([...dialects])('nodes on %s', (dialect) => {
  let opened: Awaited<ReturnType<typeof openTestDatabase>>
  let lab: Lab
  beforeAll(async () => {
    opened = await openTestDatabase(dialect)
    lab = await openLab(opened.db)
  })
  afterAll(async () => {
    await lab[Symbol.asyncDispose]()
    await opened.drop()
  })
  const newToken = async (body: object = {}) =>
    (await lab.send<{ id: number; token: string }>('POST', '/api/nodes/tokens', body)).body

  test('a join token is good for its uses, its time, and until it is revoked', async () => {
    const twice = await newToken({ uses: 2, expires_in_s: 60 })
    expect(twice.token).toMatch(/^hjoin_[a-z2-7]{40}$/)
    const first = await join(lab, twice.token)
    expect(first.body.credential).toMatch(/^hnode_[a-z2-7]{52}$/)
    expect((await join(lab, twice.token)).status).toBe(200)
    const used = await join(lab, twice.token)
    expect(used).toMatchObject({ status: 401, body: { detail: expect.stringContaining('used') } })
    const short = await newToken({ uses: null, expires_in_s: 60 })
    lab.clock.advance(60_000)
    expect(await join(lab, short.token)).toMatchObject({
      status: 401,
      body: { detail: expect.stringContaining('expired') },
    })
    const revoked = await newToken({ uses: null, expires_in_s: null })
    await lab.send('DELETE', `/api/nodes/tokens/${revoked.id}`)
    expect(await join(lab, revoked.token)).toMatchObject({
      status: 401,
      body: { detail: expect.stringContaining('revoked') },
    })
    expect((await join(lab, 'hjoin_guess')).status).toBe(401)
    const listed = await lab.send<object[]>('GET', '/api/nodes/tokens')
    expect(JSON.stringify(listed.body)).not.toContain(twice.token)
  })

  test('the credential of a node that was removed is refused', async () => {
    const node = await lab.node('sent-away')
    await node.sync()
    expect((await lab.send('DELETE', `/api/nodes/${node.id}`)).status).toBe(200)
    expect((await node.rawSync()).status).toBe(401)
    expect((await node.start({ job: `j${'a'.repeat(20)}`, attempt: 1 })).status).toBe(401)
  })

  test('a machine that lost its state joins again; its old credential is void', async () => {
    const { token } = await newToken({ uses: null })
    const before = (await join(lab, token, { name: 'again' })).body
    const present = (await join(lab, token, { name: 'again' })).body
    expect(present.node).not.toBe(before.node)
    lab.clock.advance(120_000)
    const after = (await join(lab, token, { name: 'again' })).body
    expect(after.node).toBe(before.node)
    expect((await new FakeNode(lab, before, {}).rawSync()).status).toBe(401)
    expect((await new FakeNode(lab, after, {}).rawSync()).status).toBe(200)
  })

  test('another protocol is refused with words', async () => {
    const node = await lab.node('old')
    expect(await node.rawSync({ protocol: '2.0' })).toMatchObject({
      status: 426,
      body: { detail: expect.stringContaining('protocol 1.0') },
    })
    const { token } = await newToken()
    expect((await join(lab, token, { protocol: '0.9' })).status).toBe(426)
  })

  test('a second copy of an agent ends the first', async () => {
    const node = await lab.node('copied')
    await node.sync()
    node.boot = 'boot-2'
    await node.sync()
    node.boot = 'boot-1'
    expect(await node.rawSync()).toMatchObject({ status: 409, body: { code: 'conflict' } })
    node.boot = 'boot-2'
    expect((await node.rawSync()).status).toBe(200)
  })

  test('the list shows what is there, what is free, and who is away', async () => {
    const gpus = [{ uuid: 'GPU-1', model: 'H100', memoryBytes: 1 }]
    const node = await lab.node('seen', { slots: 2, cpus: 4, memoryBytes: 100, gpus })
    await lab.submit({
      plan: { command: ['true'], needs: { gpus: 1, cpus: 1.5, memoryBytes: 60 } },
    })
    const work = await node.run()
    const seen = async () =>
      (await lab.send<{ name: string }[]>('GET', '/api/nodes')).body.find(
        ({ name }) => name === 'seen',
      )
    expect(await seen()).toMatchObject({
      id: node.id,
      state: 'online',
      free: { slots: 1, cpus: 2.5, memoryBytes: 40, gpus: [] },
      jobs: [work.job],
    })
    lab.clock.advance(120_000)
    expect(await seen()).toMatchObject({ state: 'offline' })
  })
})

describe('who may see and do what', () => {
  test('a job is its owner’s and superusers’; for others it is not there', async () => {
    const { db, drop } = await openTestDatabase('sqlite')
    const lab = await openLab(db, { auth: 'required' })
    await lab.server.as('admin')
    const [ada, bob] = [await lab.server.as('ada'), await lab.server.as('bob')]
    const admin = await lab.server.as('admin')
    const body = JSON.stringify({
      plan: { command: ['true'], env: { KEY: 'hush' } },
      secrets: { S: 'hush' },
    })
    const headers = { 'content-type': 'application/json' }
    const made = await ada.fetch('/api/jobs', { method: 'POST', headers, body })
    const text = await made.text()
    expect(text).not.toContain('hush')
    const { id } = JSON.parse(text) as { id: string }
    const paths = [`/api/jobs/${id}`, `/api/jobs/${id}/attempts`, `/api/jobs/${id}/history`]
    for (const path of paths) {
      const statuses = [await ada.fetch(path), await bob.fetch(path), await admin.fetch(path)]
      expect(statuses.map(({ status }) => status)).toEqual([200, 404, 200])
      expect((await lab.server.fetch(path)).status).toBe(401)
    }
    for (const verb of ['cancel', 'pause', 'resume', 'retry']) {
      const reply = await bob.fetch(`/api/jobs/${id}/${verb}`, { method: 'POST' })
      expect(reply.status).toBe(404)
    }
    expect((await bob.fetch(`/api/jobs/${id}`, { method: 'DELETE' })).status).toBe(404)
    const total = async (fetch: typeof ada.fetch) =>
      ((await (await fetch('/api/jobs')).json()) as { total: number }).total
    expect([await total(ada.fetch), await total(bob.fetch), await total(admin.fetch)]).toEqual([
      1, 0, 1,
    ])
    const token = { method: 'POST', headers, body: '{}' }
    expect((await bob.fetch('/api/nodes/tokens', token)).status).toBe(403)
    expect((await bob.fetch('/api/nodes/tokens')).status).toBe(403)
    expect((await bob.fetch('/api/nodes/nx', { method: 'DELETE' })).status).toBe(403)
    await lab[Symbol.asyncDispose]()
    await drop()
  })

  test('only administrators run without a sandbox; a job waits with a reason', async () => {
    const { db, drop } = await openTestDatabase('sqlite')
    const lab = await openLab(db, { auth: 'required' })
    const admin = await lab.server.as('admin')
    const ada = await lab.server.as('ada')
    const submit = async (user: typeof ada, plan: object) => {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ plan: { command: ['true'], ...plan } })
      const reply = await user.fetch('/api/jobs', { method: 'POST', headers, body })
      const job = (await reply.json()) as { plan?: { sandbox?: string }; detail: string }
      return [reply.status, job.plan?.sandbox, job.detail]
    }
    const nobody = 'waiting: no node is online'
    expect(await submit(admin, {})).toEqual([201, undefined, nobody])
    expect(await submit(admin, { sandbox: 'none' })).toEqual([201, 'none', nobody])
    expect(await submit(ada, {})).toEqual([201, 'bwrap', nobody])
    expect(await submit(ada, { image: 'x' })).toEqual([201, undefined, nobody])
    for (const sandbox of ['none', 'cgroup']) {
      const refusal = `Only administrators may use the sandbox level ${sandbox}`
      expect(await submit(ada, { sandbox })).toEqual([403, undefined, refusal])
    }
    await lab[Symbol.asyncDispose]()
    await drop()
  })
})
