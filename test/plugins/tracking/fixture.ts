/** A tracking plugin of one's own with two people, a project and a run, for a test to knock on. */
import tracking from '../../../plugins/tracking/index.ts'
import { openDatabase } from '../../../src/storage/open.ts'
import { testPlugin, type TestPluginOptions } from '../../../src/testing.ts'
import { createPostgres } from '../../storage/postgres-server.ts'

/** Sends a request with a JSON body (text and bytes go as they are) and reads the JSON reply. */
export type Send = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<{ status: number; body: Json; headers: Headers }>

/** JSON of any shape: tests compare it whole. */
export type Json = Record<string, never> & readonly never[]

export const newYear = Date.UTC(2026, 0, 1)

type Fetch = (path: string, init?: RequestInit) => Promise<Response>

const sendWith =
  (fetch: Fetch): Send =>
  async (method, path, body, headers = {}) => {
    const raw = typeof body === 'string' || body instanceof Uint8Array
    const init = {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: raw ? (body as string) : JSON.stringify(body) }),
    }
    const response = await fetch(path, init)
    const text = await response.text()
    const json = text === '' ? undefined : JSON.parse(text)
    return { status: response.status, body: json as Json, headers: response.headers }
  }

/** `root` is superuser; `ann` owns what the fixture makes; `bob` is somebody else. */
export const openTracking = async (options: TestPluginOptions = {}) => {
  const plugin = await testPlugin(tracking, options)
  const login = async (name: string): Promise<Send> => sendWith((await plugin.as(name)).fetch)
  const root = await login('root')
  const ann = await login('ann')
  const bob = await login('bob')
  const nobody = sendWith(plugin.fetch)
  return {
    ...plugin,
    root,
    ann,
    bob,
    nobody,
    /** A new project of ann's. */
    async project(fields: object = {}): Promise<number> {
      const { body } = await ann('POST', '/projects/', { name: 'My Project', ...fields })
      return body['id'] as unknown as number
    },
    /** A new run of ann's, in a new project unless one is given. */
    async run(fields: object = {}, projectId?: number): Promise<number> {
      const id = projectId ?? (await this.project())
      const { body } = await ann('POST', `/runs/?project_id=${id}`, { name: 'Run', ...fields })
      return body['id'] as unknown as number
    },
    [Symbol.asyncDispose]: plugin.stop,
  }
}

/** The databases on which the plugin must behave alike. */
export const databases = ['SQLite', 'PostgreSQL'] as const

/** `openTracking` on one of them. */
export const openTrackingOn = async (
  database: (typeof databases)[number],
  options: TestPluginOptions = {},
): Promise<TrackingUnderTest> => {
  if (database === 'SQLite') return openTracking(options)
  const { url, drop } = await createPostgres()
  const db = await openDatabase({ dataDir: ':memory:', databaseUrl: url })
  const server = await openTracking({ ...options, db })
  const stop = async () => {
    await server.stop()
    await db.close()
    await drop()
  }
  return { ...server, stop, [Symbol.asyncDispose]: stop }
}

export type TrackingUnderTest = Awaited<ReturnType<typeof openTracking>>
