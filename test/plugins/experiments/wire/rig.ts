/** The plugin in a kernel of its own, and what all tests of its routes say to it. */
import { expect } from 'bun:test'
import { zipSync } from './zip.ts'
import experiments from '../../../../plugins/experiments/index.ts'
import { JournalStore } from '../../../../plugins/experiments/journal/store.ts'
import { silentLogger } from '../../../../src/kernel/log.ts'
import {
  type PluginUnderTest,
  type TestPluginOptions,
  testPlugin,
} from '../../../../src/testing.ts'

/** Nothing is run here: programs are the business of other tests. */
const jobs = {
  onFinished: () => undefined,
  list: async () => ({ jobs: [], total: 0 }),
}

export const open = (options: TestPluginOptions = {}): Promise<PluginUnderTest> =>
  testPlugin(experiments, { services: { jobs, tracking: {} }, ...options })

export const storeOf = ({ db, clock }: PluginUnderTest): JournalStore =>
  new JournalStore({ db, clock, log: silentLogger })

export type Fetch = PluginUnderTest['fetch']

export const sendJson = (fetch: Fetch, method: string, path: string, body?: unknown) =>
  fetch(path, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  })

export const answer = async (response: Response) => ({
  status: response.status,
  body: (await response.json()) as unknown,
})

/** The data of an answer that must be a success. */
export const dataOf = async <T = Record<string, never>>(
  response: Response | Promise<Response>,
): Promise<T> => {
  const { status, body } = await answer(await response)
  if (status >= 300) throw new Error(`${status}: ${JSON.stringify(body)}`)
  return (body as { data: T }).data
}

export const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)

export const success = (data: unknown, status = 200) => ({
  status,
  body: { success: true, data, message: 'Operation completed successfully', timestamp: time },
})

export const failure = (status: number, code: string, message: unknown, issues?: unknown[]) => ({
  status,
  body: {
    success: false,
    error: { code, message, details: { requestId: expect.any(String), ...(issues && { issues }) } },
    detail: message,
    timestamp: time,
  },
})

export const upload = (fetch: Fetch, files: Readonly<Record<string, string | Uint8Array>>) => {
  const form = new FormData()
  for (const [name, bytes] of Object.entries(files)) {
    form.append('files', new File([bytes as never], name))
  }
  return fetch('/api/upload', { method: 'POST', body: form })
}

/** Ids of files that are uploaded. */
export const uploaded = async (
  fetch: Fetch,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string[]> => {
  const stored = await dataOf<{ id: string }[]>(upload(fetch, files))
  return stored.map(({ id }) => id)
}

export const given = { name: 'Houses', goal: 'Predict the price' }

export const created = (fetch: Fetch, more: Record<string, unknown> = {}) =>
  dataOf<{ id: string; files: unknown[] }>(
    sendJson(fetch, 'POST', '/api/experiments', { ...given, ...more }),
  )

export { zipSync }
