/** Every request as its owner, as somebody else, as a superuser and as nobody. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openTracking, type Send, type TrackingUnderTest } from './fixture.ts'

let server: TrackingUnderTest
beforeAll(async () => {
  server = await openTracking()
})
afterAll(() => server.stop())

interface Request {
  readonly method: string
  readonly path: (ids: Ids) => string
  readonly body?: unknown
  readonly reads?: boolean
}

interface Ids {
  readonly project: number
  readonly run: number
}

const line = { stream: 'stdout', text: 'x' }
const point = { name: 'loss', value: 1 }

const requests: readonly Request[] = [
  { method: 'GET', path: ({ project }) => `/projects/${project}`, reads: true },
  { method: 'PUT', path: ({ project }) => `/projects/${project}`, body: { description: 'x' } },
  { method: 'POST', path: ({ project }) => `/runs/?project_id=${project}`, body: { name: 'x' } },
  { method: 'GET', path: ({ project }) => `/runs/?project_id=${project}`, reads: true },
  { method: 'GET', path: ({ run }) => `/runs/${run}`, reads: true },
  { method: 'PUT', path: ({ run }) => `/runs/${run}`, body: { notes: 'x' } },
  { method: 'POST', path: ({ run }) => `/runs/${run}/heartbeat` },
  { method: 'POST', path: ({ run }) => `/runs/${run}/resume` },
  { method: 'POST', path: ({ run }) => `/runs/${run}/fork` },
  { method: 'POST', path: ({ run }) => `/runs/${run}/console`, body: line },
  { method: 'GET', path: ({ run }) => `/runs/${run}/console`, reads: true },
  { method: 'POST', path: ({ run }) => `/metrics/${run}`, body: point },
  { method: 'POST', path: ({ run }) => `/metrics/${run}/batch`, body: { metrics: { loss: 1 } } },
  { method: 'GET', path: ({ run }) => `/metrics/${run}`, reads: true },
  { method: 'GET', path: ({ run }) => `/metrics/${run}/history/loss`, reads: true },
  { method: 'GET', path: ({ run }) => `/metrics/${run}/summary`, reads: true },
  { method: 'GET', path: ({ run }) => `/metrics/${run}/chart?names=loss`, reads: true },
  { method: 'GET', path: ({ run }) => `/metrics/${run}/names`, reads: true },
  { method: 'DELETE', path: ({ run }) => `/runs/${run}` },
  { method: 'POST', path: ({ run }) => `/runs/${run}/restore` },
  { method: 'DELETE', path: ({ project }) => `/projects/${project}` },
  { method: 'POST', path: ({ project }) => `/projects/${project}/restore` },
  { method: 'DELETE', path: ({ run }) => `/runs/${run}?permanent=true` },
  { method: 'DELETE', path: ({ project }) => `/projects/${project}?permanent=true` },
]

const titled = requests.map((request) => {
  const path = request.path({ project: 7, run: 7 })
  return [`${request.method} ${path}`, request] as const
})

const make = async (isPublic: boolean): Promise<Ids> => {
  const project = await server.project({ is_public: isPublic })
  const run = await server.run({}, project)
  await server.ann('POST', `/metrics/${run}`, { ...point, timestamp: '2026-01-01T00:00:00' })
  return { project, run }
}

const statusAs = async (send: Send, request: Request, ids: Ids): Promise<number> =>
  (await send(request.method, request.path(ids), request.body)).status

describe.each(titled)('%s', (_title, request) => {
  test('on something private', async () => {
    const ids = await make(false)
    expect({
      nobody: await statusAs(server.nobody, request, ids),
      bob: await statusAs(server.bob, request, ids),
      ann: await statusAs(server.ann, request, ids),
    }).toEqual({ nobody: 401, bob: 404, ann: 200 })
    const others = await make(false)
    expect(await statusAs(server.root, request, others)).toBe(200)
  })

  test('on something public', async () => {
    const ids = await make(true)
    expect({
      nobody: await statusAs(server.nobody, request, ids),
      bob: await statusAs(server.bob, request, ids),
      ann: await statusAs(server.ann, request, ids),
    }).toEqual({ nobody: 401, bob: request.reads ? 200 : 403, ann: 200 })
  })

  test('on something that is not there', async () => {
    const reply = await server.ann(request.method, request.path(nowhere), request.body)
    expect(reply).toMatchObject({ status: 404, body: { detail: 'Resource not found' } })
  })
})

const nowhere = { project: 999_999, run: 999_999 }

test('what bob was refused changed nothing', async () => {
  const ids = await make(true)
  const before = await Promise.all([
    server.ann('GET', `/projects/${ids.project}`),
    server.ann('GET', `/runs/${ids.run}`),
    server.ann('GET', `/metrics/${ids.run}`),
    server.ann('GET', `/runs/?project_id=${ids.project}`),
  ])
  for (const request of requests) await statusAs(server.bob, request, ids)
  const after = await Promise.all([
    server.ann('GET', `/projects/${ids.project}`),
    server.ann('GET', `/runs/${ids.run}`),
    server.ann('GET', `/metrics/${ids.run}`),
    server.ann('GET', `/runs/?project_id=${ids.project}`),
  ])
  expect(after.map(({ body }) => body)).toEqual(before.map(({ body }) => body))
})

test("lists hold what is one's own, or everything for a superuser", async () => {
  const ids = await make(true)
  const has = async (send: Send, path: string, id: number): Promise<boolean> => {
    const { body } = await send('GET', `${path}?limit=1000`)
    return (body as unknown as { id: number }[]).some((item) => item.id === id)
  }
  for (const [path, id] of [
    ['/projects/', ids.project],
    ['/runs/', ids.run],
  ] as const) {
    expect({
      ann: await has(server.ann, path, id),
      bob: await has(server.bob, path, id),
      root: await has(server.root, path, id),
    }).toEqual({ ann: true, bob: false, root: true })
  }
})

test('making a project private takes effect at once, also where runs are cached', async () => {
  const ids = await make(true)
  const read = { method: 'GET', path: ({ run }: Ids) => `/metrics/${run}` }
  expect(await statusAs(server.bob, read, ids)).toBe(200)
  await server.ann('PUT', `/projects/${ids.project}`, { is_public: false })
  expect(await statusAs(server.bob, read, ids)).toBe(404)
})

test('nothing of a project in the trash is seen or written, until it is restored', async () => {
  const ids = await make(true)
  await server.ann('DELETE', `/projects/${ids.project}`)
  for (const request of requests.filter(({ path }) => !path(ids).includes('restore'))) {
    if (request.path(ids).includes('permanent')) continue
    expect([request.path(ids), await statusAs(server.ann, request, ids)]).toEqual([
      request.path(ids),
      404,
    ])
  }
  expect((await server.bob('POST', `/projects/${ids.project}/restore`)).status).toBe(404)
  expect((await server.ann('POST', `/projects/${ids.project}/restore`)).status).toBe(200)
  expect((await server.bob('GET', `/runs/${ids.run}`)).status).toBe(200)
})
