/** What one user or node may not learn or touch of another's, on every route there is. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { JobView } from '../../../src/jobs/view.ts'
import { sql } from '../../../src/storage/sql.ts'
import {
  emptySha256,
  type FakeNode,
  type Joined,
  type Lab,
  FakeNode as Node,
  openLab,
  openTestDatabase,
  plan,
  type Work,
} from '../../jobs/engine/fixture.ts'

type User = Awaited<ReturnType<Lab['server']['as']>>

const sha256 = (text: string) => new Bun.CryptoHasher('sha256').update(text).digest('hex')

let opened: Awaited<ReturnType<typeof openTestDatabase>>
let lab: Lab
let admin: User
let ada: User
let eve: User

const post = (user: User, path: string, body: unknown = {}) =>
  user.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const upload = async (user: User, text: string) => {
  const path = `/api/uploads/${sha256(text)}`
  await user.fetch(path, { method: 'PUT', body: text })
  expect((await post(user, `${path}/commit`, { size: text.length })).status).toBe(200)
  return { sha256: sha256(text), sizeBytes: text.length }
}

const newToken = async (): Promise<string> => {
  const made = await post(admin, '/api/nodes/tokens', { uses: null })
  return ((await made.json()) as { token: string }).token
}

const join = async (name: string, given?: string): Promise<FakeNode> => {
  const token = given ?? (await newToken())
  const request = { token, name, protocol: '1.0', version: '0' }
  const { body } = await lab.send<Joined>('POST', '/api/agents/join', request)
  return new Node(lab, body, {})
}

/** A job of Ada's with an input and secrets, running on a node of its own. */
const running = async (name: string) => {
  const input = await upload(ada, `input of ${name}`)
  const submitted = await post(ada, '/api/jobs', {
    name,
    plan: plan({
      command: ['true'],
      env: { PASSPHRASE: 'hush-env' },
      files: [{ path: 'a', ...input }],
      needs: { labels: [name] },
    }),
    secrets: { KEY: 'hush-secret' },
  })
  expect(submitted.status).toBe(201)
  const job = (await submitted.json()) as JobView
  const joined = await join(name)
  const node = new Node(lab, { node: joined.id, credential: joined.credential }, { labels: [name] })
  const work = await node.run()
  expect(work.job).toBe(job.id)
  return { job, node, work, input }
}

beforeAll(async () => {
  opened = await openTestDatabase('sqlite')
  lab = await openLab(opened.db, { auth: 'required' })
  admin = await lab.server.as('admin')
  ada = await lab.server.as('ada')
  eve = await lab.server.as('eve')
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
  await opened.drop()
})

describe('users', () => {
  test('of a job of somebody else there is nothing to see, and nothing to do', async () => {
    const { job, node, work } = await running('private')
    const digest = sha256('weights')
    await node.lab.server.fetch(`/api/blobs/${digest}`, {
      method: 'PUT',
      body: 'weights',
      headers: { authorization: `Bearer ${node.credential}` },
    })
    await lab.send('POST', `/api/blobs/${digest}/commit`, { size: 7 }, node.credential)
    const kept = { path: 'model', sha256: digest, sizeBytes: 7, kind: 'artifact' }
    const finish = {
      outcome: { reason: 'exited', exitCode: 0, signal: null },
      log: { size: 0, sha256: emptySha256 },
      events: { size: 0, sha256: emptySha256 },
      artifacts: [kept],
    }
    const path = `/api/attempts/${work.job}/1/finish`
    expect((await lab.send('POST', path, finish, node.credential)).status).toBe(200)
    const reads = [
      '',
      '/logs',
      '/logs?attempt=1&tail=10',
      '/logs/follow',
      '/events',
      '/metrics',
      '/artifacts',
      '/artifacts/model',
      '/artifacts.zip',
      '/attempts',
      '/history',
    ]
    const seen = []
    for (const read of reads) {
      const address = `/api/jobs/${job.id}${read}`
      const [own, other, nobody] = await Promise.all([
        ada.fetch(address),
        eve.fetch(address),
        lab.server.fetch(address),
      ])
      for (const reply of [own, other, nobody]) await reply.arrayBuffer()
      seen.push([read, own.status, other.status, nobody.status])
    }
    expect(seen).toEqual(reads.map((read) => [read, 200, 404, 401]))
    for (const verb of ['cancel', 'pause', 'resume', 'retry']) {
      expect((await post(eve, `/api/jobs/${job.id}/${verb}`)).status).toBe(404)
    }
    expect((await eve.fetch(`/api/jobs/${job.id}`, { method: 'DELETE' })).status).toBe(404)
    expect((await eve.fetch(`/api/uploads/${digest}`)).status).toBe(404)
    const after = await post(eve, '/api/jobs', { plan: plan(), after: [job.id] })
    expect(after.status).toBe(422)
    const list = (await (await eve.fetch('/api/jobs')).json()) as { total: number }
    expect(list.total).toBe(0)
  })

  test('the environment and secrets of a job are shown to nobody, its owner included', async () => {
    const { job } = await running('secretive')
    const texts = []
    for (const path of ['', '/attempts', '/history', '/events', '/logs']) {
      for (const user of [ada, admin]) {
        texts.push(await (await user.fetch(`/api/jobs/${job.id}${path}`)).text())
      }
    }
    texts.push(await (await ada.fetch('/api/jobs')).text())
    expect(texts.join()).not.toContain('hush')
  })

  test('secrets lie sealed in the database, and are gone with the end of the job', async () => {
    const { node, work } = await running('sealed')
    const stored = () =>
      lab.db.rows<{ plan: string; secrets: string | null }>(
        sql`select plan, secrets from jobs_plan where job_id = ${work.job}`,
      )
    const [before] = await stored()
    expect(before?.secrets).toBeString()
    expect(JSON.stringify(before)).not.toContain('hush-secret')
    expect((await node.finish(work)).status).toBe(200)
    expect((await stored())[0]?.secrets).toBeNull()
    expect((await node.start(work)).status).toBe(410)
  })

  test('input paths that lead out of the work folder are refused at once', async () => {
    const input = await upload(ada, 'bytes')
    const statuses = []
    const paths = ['../a', '/etc/cron.d/a', 'a/../../b', 'a\\..\\b', 'a\nb', 'a\u0000b', '..', '']
    for (const path of paths) {
      const files = [{ path, ...input }]
      statuses.push((await post(ada, '/api/jobs', { plan: plan({ files }) })).status)
    }
    expect(statuses).toEqual(paths.map(() => 422))
  })
})

describe('nodes', () => {
  const verbs = (node: FakeNode, { job, attempt }: Pick<Work, 'job' | 'attempt'>) => {
    const path = `/api/attempts/${job}/${attempt}`
    const bytes = { method: 'PUT', headers: { authorization: `Bearer ${node.credential}` } }
    return [
      node.start({ job, attempt }),
      lab.server.fetch(`${path}/log?offset=0`, { ...bytes, body: 'forged' }),
      lab.server.fetch(`${path}/events?offset=0`, { ...bytes, body: '{}' }),
      lab.send('POST', `${path}/artifacts`, { artifacts: [] }, node.credential),
      node.finish({ job, attempt }),
    ]
  }
  const statusesOf = async (node: FakeNode, work: Pick<Work, 'job' | 'attempt'>) =>
    (await Promise.all(verbs(node, work))).map(({ status }) => status)

  test('touch no attempt but their own, and no earlier or later one', async () => {
    const { job, node, work, input } = await running('mine')
    const thief = await join('thief')
    const gone = [410, 410, 410, 410, 410]
    expect(await statusesOf(thief, work)).toEqual(gone)
    expect(await statusesOf(node, { job: work.job, attempt: 0 })).toEqual(gone)
    expect(await statusesOf(node, { job: work.job, attempt: 2 })).toEqual(gone)
    thief.hold(work)
    expect(await thief.sync()).toEqual({ work: [], want: [], drop: [{ job: job.id, attempt: 1 }] })
    const authorization = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
    const blob = `/api/blobs/${input.sha256}`
    expect((await lab.server.fetch(blob, authorization(node.credential))).status).toBe(200)
    expect((await lab.server.fetch(blob, authorization(thief.credential))).status).toBe(404)
    const head = { method: 'HEAD', ...authorization(thief.credential) }
    expect((await lab.server.fetch(blob, head)).status).toBe(404)
    const artifact = { path: 'a', kind: 'artifact', ...input }
    const finish = {
      outcome: { reason: 'exited', exitCode: 0, signal: null },
      log: { size: 0, sha256: emptySha256 },
      events: { size: 0, sha256: emptySha256 },
      artifacts: [{ ...artifact, sha256: sha256('never sent') }],
    }
    const path = `/api/attempts/${job.id}/1/finish`
    expect((await lab.send('POST', path, finish, node.credential)).status).toBe(424)
    expect((await (await ada.fetch(`/api/jobs/${job.id}/logs`)).text()).length).toBe(0)
  })

  test('are no users, and users no nodes', async () => {
    const { node, work } = await running('apart')
    const asUser = { headers: { authorization: `Bearer ${node.credential}` } }
    for (const path of ['/api/jobs', '/api/nodes', `/api/jobs/${work.job}`, '/api/nodes/tokens']) {
      expect((await lab.server.fetch(path, asUser)).status).toBe(401)
    }
    for (const token of [ada.token, admin.token, 'hnode_', 'hnode_guess']) {
      const path = `/api/attempts/${work.job}/1/start`
      expect((await lab.send('POST', path, {}, token)).status).toBe(401)
    }
  })

  test('a stolen credential ends with the node, and with its next join', async () => {
    const { node, work } = await running('stolen')
    expect((await admin.fetch(`/api/nodes/${node.id}`, { method: 'DELETE' })).status).toBe(200)
    expect(await statusesOf(node, work)).toEqual([401, 401, 401, 401, 401])
    expect((await node.rawSync()).status).toBe(401)
    const token = await newToken()
    const first = await join('rejoined', token)
    lab.clock.advance(120_000)
    const second = await join('rejoined', token)
    expect(second.id).toBe(first.id)
    expect((await first.rawSync()).status).toBe(401)
    expect((await second.rawSync()).status).toBe(200)
  })

  test('cannot name artifacts so that they lie outside of where they are unpacked to', async () => {
    const { job, node } = await running('slippery')
    const digest = sha256('slip')
    const headers = { authorization: `Bearer ${node.credential}` }
    await lab.server.fetch(`/api/blobs/${digest}`, { method: 'PUT', body: 'slip', headers })
    await lab.send('POST', `/api/blobs/${digest}/commit`, { size: 4 }, node.credential)
    const paths = ['../../evil', '/etc/evil', 'a/../../evil', 'a\\..\\evil', 'C:\u0000', 'ok/fine']
    const artifacts = paths.map((path) => ({
      path,
      kind: 'artifact',
      sha256: digest,
      sizeBytes: 4,
    }))
    const finish = {
      outcome: { reason: 'exited', exitCode: 0, signal: null },
      log: { size: 0, sha256: emptySha256 },
      events: { size: 0, sha256: emptySha256 },
      artifacts,
    }
    const path = `/api/attempts/${job.id}/1/finish`
    expect((await lab.send('POST', path, finish, node.credential)).status).toBe(200)
    const listed = (await (await ada.fetch(`/api/jobs/${job.id}/artifacts`)).json()) as {
      path: string
    }[]
    expect(JSON.stringify(listed)).not.toContain('evil')
    expect(JSON.stringify(listed)).toContain('ok/fine')
    const zip = await (await ada.fetch(`/api/jobs/${job.id}/artifacts.zip`)).text()
    expect([zip.includes('evil'), zip.includes('ok/fine')]).toEqual([false, true])
    for (const name of ['..%2f..%2fevil', '%2e%2e/%2e%2e/evil', '../../../etc/passwd']) {
      const reply = await ada.fetch(`/api/jobs/${job.id}/artifacts/${name}`)
      expect([400, 404]).toContain(reply.status)
    }
  })
})

test('the database keeps hashes of credentials, never what opens the door', async () => {
  const node = await join('hashed')
  const rows = await lab.db.rows(sql`select * from jobs_node`)
  const tokens = await lab.db.rows(sql`select * from jobs_join_token`)
  expect(JSON.stringify([rows, tokens])).not.toContain(node.credential)
  expect(JSON.stringify(rows)).toContain(sha256(node.credential))
  expect(JSON.stringify(tokens)).not.toMatch(/hjoin_[a-z2-7]{40}/)
})
