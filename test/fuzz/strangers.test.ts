/** Every route of the OpenAPI document, asked by somebody else: no leak, no change. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { callJson, type Hearth, signUp, startHearth } from '../../scripts/hearth.ts'
import { type TemporaryFolder, temporaryFolder } from '../../scripts/temporary.ts'
import { type Operation, readOperations, requestFor } from './openapi.ts'

const secret = `secret-of-ada-${crypto.randomUUID()}`
let folder: TemporaryFolder
let hearth: Hearth
let operations: Operation[]
let ada = ''
let bob = ''

beforeAll(async () => {
  folder = await temporaryFolder()
  hearth = await startHearth({ dataDir: folder.path, env: { RATE_LIMITS: 'off' } })
  // The first user is superuser and may see everything: neither of the two is.
  await signUp(hearth.origin, 'root')
  ada = await signUp(hearth.origin, 'ada')
  bob = await signUp(hearth.origin, 'bob')
  operations = await readOperations(hearth.origin)
}, 60_000)

afterAll(async () => {
  await hearth.end('SIGKILL')
  await folder[Symbol.asyncDispose]()
})

/** A project of ada with everything in it that a project can hold, all of it marked. */
const belongings = async (isPublic: boolean): Promise<Record<string, string>> => {
  const call = <T = { id: number }>(method: string, path: string, body?: unknown) =>
    callJson<T>(hearth.origin, ada, method, path, body)
  const { id: projectId } = await call('POST', '/projects/', {
    name: secret,
    description: secret,
    is_public: isPublic,
  })
  const { id: runId } = await call('POST', `/runs/?project_id=${projectId}`, {
    name: secret,
    notes: secret,
    tags: [secret],
    config: { [secret]: secret },
  })
  await call('POST', `/metrics/${runId}/batch`, { metrics: { [secret]: 1 }, step: 1 })
  await call('POST', `/runs/${runId}/console`, { stream: 'stdout', text: secret })
  const { id: keyId } = await call('POST', '/auth/keys', { name: secret })
  const put = await fetch(`${hearth.origin}/runs/${runId}/artifacts/${secret}.txt`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${ada}` },
    body: secret,
  })
  expect(put.status).toBe(200)
  const numbers = { project_id: projectId, run_id: runId, key_id: keyId }
  return {
    ...Object.fromEntries(Object.entries(numbers).map(([name, id]) => [name, String(id)])),
    name: secret,
    metric_name: secret,
    names: secret,
    ids: String(runId),
    path: `${secret}.txt`,
    '*': `${secret}.txt`,
    'Upload-Offset': '0',
    'Upload-Complete': '?1',
  }
}

/** The id in a path means what the path is about. */
const idsFor = (operation: Operation, known: Record<string, string>): Record<string, string> => {
  const noun = operation.path.split('/')[1] === 'projects' ? 'project_id' : 'run_id'
  const id = operation.path.startsWith('/auth/keys') ? known['key_id'] : known[noun]
  return { ...known, id: id ?? '1' }
}

const ask = async (operation: Operation, known: Record<string, string>, token?: string) => {
  const { path, init } = requestFor(operation, idsFor(operation, known))
  const headers = new Headers(init.headers)
  if (token) headers.set('authorization', `Bearer ${token}`)
  const reply = await fetch(hearth.origin + path, { ...init, headers, redirect: 'manual' })
  const text = await reply.text()
  return { what: `${operation.method} ${path}`, status: reply.status, text }
}

/** Everything of ada's that a stranger could have changed. */
const stateOf = async (known: Record<string, string>): Promise<unknown[]> => {
  const { project_id: project, run_id: run } = known
  const paths = [
    `/projects/${project}`,
    `/runs/${run}`,
    `/runs/?project_id=${project}`,
    `/metrics/${run}`,
    `/runs/${run}/artifacts`,
    `/runs/${run}/console`,
  ]
  return Promise.all(paths.map((path) => callJson(hearth.origin, ada, 'GET', path)))
}

/** Routes about the caller or the server, not about somebody's things. */
const needsLogin = ({ security }: Operation) => security === undefined || security.length > 0
const aboutThings = ({ path }: Operation) => /^\/(projects|runs|metrics)\b/.test(path)

describe('private things', () => {
  test('a stranger is told nothing and changes nothing', async () => {
    const known = await belongings(false)
    const before = await stateOf(known)
    const answers: Awaited<ReturnType<typeof ask>>[] = []
    for (const operation of operations) answers.push(await ask(operation, known, bob))
    expect(operations.length).toBeGreaterThan(30)
    expect(answers.filter(({ text }) => text.includes(secret))).toEqual([])
    expect(answers.filter(({ status }) => status >= 500)).toEqual([])
    const allowed = answers.filter(
      ({ what, status }) => status < 400 && new RegExp(`/(${known['run_id']})(/|\\?|$)`).test(what),
    )
    expect(allowed).toEqual([])
    expect(await stateOf(known)).toEqual(before)
  }, 60_000)

  test('without a token every route about things answers 401', async () => {
    const known = await belongings(false)
    const answers: Awaited<ReturnType<typeof ask>>[] = []
    for (const operation of operations.filter(aboutThings).filter(needsLogin))
      answers.push(await ask(operation, known))
    expect(answers.length).toBeGreaterThan(20)
    expect(answers.filter(({ status }) => status !== 401)).toEqual([])
  }, 60_000)

  test('their owner gets through with the same requests: it was about the person', async () => {
    const refused: Awaited<ReturnType<typeof ask>>[] = []
    for (const operation of operations.filter(aboutThings)) {
      // Each on things of its own: some of the requests delete them.
      const answer = await ask(operation, await belongings(false), ada)
      if (answer.status >= 400) refused.push(answer)
    }
    expect(refused).toEqual([])
  }, 60_000)

  test('a stranger cannot open the socket of a run', async () => {
    const known = await belongings(false)
    for (const token of [bob, 'nonsense', '']) {
      const reply = await fetch(`${hearth.origin}/ws/${known['run_id']}?token=${token}`, {
        headers: {
          connection: 'upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        },
      })
      expect([401, 403, 404]).toContain(reply.status)
    }
  })
})

test('public things are readable by strangers and stay as they were', async () => {
  const known = await belongings(true)
  const before = await stateOf(known)
  const read = await callJson(hearth.origin, bob, 'GET', `/runs/${known['run_id']}`)
  expect(read).toMatchObject({ name: secret })
  const things = operations.filter(aboutThings).filter(({ method }) => method !== 'GET')
  for (const operation of things) await ask(operation, known, bob)
  expect(await stateOf(known)).toEqual(before)
}, 60_000)
