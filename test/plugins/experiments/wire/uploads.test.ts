/** Uploads as they come over the wire: well formed, broken, cut off in the middle. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { sql } from '../../../../src/sdk.ts'
import type { PluginUnderTest } from '../../../../src/testing.ts'
import { answer, created, dataOf, failure, open, sendJson, success, time } from './rig.ts'
import { upload, uploaded } from './rig.ts'

let app: PluginUnderTest
beforeAll(async () => {
  app = await open({ config: { maxFileBytes: 2048 } })
})
afterAll(() => app.stop())

const sha256 = (text: string) => new Bun.CryptoHasher('sha256').update(text).digest('hex')
const fileId = expect.stringMatching(/^file_[0-9a-f]{12}$/)
const csv = (originalName: string, text: string) => ({
  id: fileId,
  filename: expect.stringMatching(/^file_[0-9a-f]{12}\.csv$/),
  originalName,
  size: text.length,
  mimeType: 'text/csv',
  uploadedAt: time,
  sha256: sha256(text),
})
const count = async () => (await app.db.rows(sql`select id from experiments_file`)).length

const post = (
  body: ReadableStream<Uint8Array> | string,
  type = 'multipart/form-data; boundary=X',
) =>
  app.fetch('/api/upload', {
    method: 'POST',
    headers: { 'content-type': type },
    body,
    duplex: 'half',
  } as RequestInit)

const part = (name: string, text: string) =>
  `--X\r\nContent-Disposition: form-data; name="files"; filename="${name}"\r\n` +
  `Content-Type: text/csv\r\n\r\n${text}`

test('files are kept under names of their own, and told with digest and size', async () => {
  const files = { 'housing data.csv': 'a,b\n1,2\n', 'été.csv': 'c' }
  expect(await answer(await upload(app.fetch, files))).toEqual(
    success([csv('housing data.csv', 'a,b\n1,2\n'), csv('été.csv', 'c')]),
  )
})

test('a file is told of, listed, downloaded in full and in part, and deleted', async () => {
  const ada = await app.as('ada')
  const [id] = await uploaded(ada.fetch, { 'a.csv': 'a,b\n' })
  const view = { ...csv('a.csv', 'a,b\n'), id, filename: `${id}.csv` }
  expect(await answer(await ada.fetch(`/api/files/${id}`))).toEqual(success(view))
  const page = { total: 1, page: 1, limit: 10, totalPages: 1 }
  expect(await answer(await ada.fetch('/api/files'))).toEqual(success({ files: [view], ...page }))
  const whole = await ada.fetch(`/api/files/${id}/download`)
  expect([whole.status, whole.headers.get('content-type'), await whole.text()]).toEqual([
    200,
    'text/csv',
    'a,b\n',
  ])
  expect(whole.headers.get('content-disposition')).toContain('a.csv')
  const headers = { range: 'bytes=2-' }
  const rest = await ada.fetch(`/api/files/${id}/download`, { headers })
  expect([rest.status, await rest.text()]).toEqual([206, 'b\n'])
  const deleted = await ada.fetch(`/api/files/${id}`, { method: 'DELETE' })
  expect(await answer(deleted)).toEqual(success({ id, deleted: true }))
  expect(await answer(await ada.fetch(`/api/files/${id}`))).toEqual(
    failure(404, 'FILE_NOT_FOUND', `There is no file ${id}`),
  )
})

test('another user’s file is not there', async () => {
  const [id] = await uploaded((await app.as('ada')).fetch, { 'a.csv': 'a' })
  const { fetch } = await app.as('bob')
  const missing = failure(404, 'FILE_NOT_FOUND', `There is no file ${id}`)
  expect(await answer(await fetch(`/api/files/${id}`))).toEqual(missing)
  expect(await answer(await fetch(`/api/files/${id}/download`))).toEqual(missing)
  expect(await answer(await fetch(`/api/files/${id}`, { method: 'DELETE' }))).toEqual(missing)
  const body = { name: 'n', goal: 'g', files: [id] }
  expect(await answer(await sendJson(fetch, 'POST', '/api/experiments', body))).toEqual(missing)
})

test('an experiment keeps what it was made with', async () => {
  const [id = ''] = await uploaded(app.fetch, { 'a.csv': 'mine' })
  const experiment = await created(app.fetch, { files: [id] })
  await app.fetch(`/api/files/${id}`, { method: 'DELETE' })
  const { files } = await dataOf(app.fetch(`/api/experiments/${experiment.id}`))
  expect(files).toEqual([{ name: 'a.csv', sha256: sha256('mine'), size: 4 }] as never)
})

test('of several files all are kept, or none', async () => {
  const before = await count()
  const large = await upload(app.fetch, { 'a.csv': 'ok', 'b.csv': 'x'.repeat(2049) })
  expect(await answer(large)).toEqual(
    failure(400, 'FILE_TOO_LARGE', 'b.csv is larger than 2048 bytes'),
  )
  const wrong = await upload(app.fetch, { 'a.csv': 'ok', 'evil.exe': 'x' })
  const types = 'csv, json, txt, zip, md, tsv, xlsx, parquet'
  expect(await answer(wrong)).toEqual(
    failure(400, 'INVALID_FILE_TYPE', `evil.exe: only ${types} can be uploaded`),
  )
  expect(await count()).toBe(before)
})

test('a name is read as browsers write it, and only its last part counts', async () => {
  const names = ['..\\\\evil.csv', '../../%22q%22 50%25.csv', 'a%0D%0Ab.csv', 'a.csv', 'a.csv']
  const body = names.map((name) => `${part(name, 'x')}\r\n`).join('')
  const files = await dataOf<{ id: string; originalName: string }[]>(post(`${body}--X--\r\n`))
  expect(files.map(({ originalName }) => originalName)).toEqual([
    'evil.csv',
    '"q" 50%25.csv',
    'ab.csv',
    'a.csv',
    'a.csv',
  ])
  const { files: inputs } = await created(app.fetch, { files: files.map(({ id }) => id) })
  expect((inputs as { name: string }[]).map(({ name }) => name).sort()).toEqual([
    '"q" 50%25.csv',
    'a (2).csv',
    'a.csv',
    'ab.csv',
    'evil.csv',
  ])
})

test('a file may be exactly as large as allowed', async () => {
  expect((await upload(app.fetch, { 'a.csv': 'x'.repeat(2048) })).status).toBe(200)
})

const many = Array.from({ length: 101 }, (_, i) => part(`${i}.csv`, 'x\r\n')).join('')
const field = '--X\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'

test.each<[string, string, string | undefined, string]>([
  [
    'no multipart',
    '{}',
    'application/json',
    'Send the files as multipart/form-data, in fields named files',
  ],
  [
    'no boundary',
    'x',
    'multipart/form-data',
    'The Content-Type of a multipart body names its boundary',
  ],
  ['no file', `${field}--X--\r\n`, undefined, 'There is no file in the body'],
  ['no end in the first file', part('a.csv', 'a,b'), undefined, 'The body ended in the middle'],
  [
    'no end in the second',
    `${part('a.csv', 'a\r\n')}${part('b.csv', 'b')}`,
    undefined,
    'The body ended in the middle',
  ],
  [
    'no end after a file',
    `${part('a.csv', 'a')}\r\n--X\r\n`,
    undefined,
    'The multipart body is broken',
  ],
  ['too many files', `${many}--X--\r\n`, undefined, 'At most 100 files at once'],
  ['too many fields', `${field.repeat(101)}--X--\r\n`, undefined, 'At most 100 other fields'],
])('a body with %s is refused, and nothing of it is kept', async (_what, body, type, message) => {
  const before = await count()
  expect(await answer(await post(body, type))).toEqual(failure(400, 'VALIDATION_ERROR', message))
  expect(await count()).toBe(before)
})

test('a client that hangs up leaves nothing behind, and no upload hanging', async () => {
  const before = await count()
  const bytes = new TextEncoder().encode(`${part('a.csv', 'a\r\n')}${part('b.csv', 'half')}`)
  let sent = false
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent) return controller.error(new Error('The connection was closed'))
      sent = true
      controller.enqueue(bytes)
    },
  })
  expect(await answer(await post(body))).toEqual(
    failure(400, 'VALIDATION_ERROR', 'The body ended in the middle'),
  )
  expect(await count()).toBe(before)
})
