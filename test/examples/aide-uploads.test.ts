/** Uploads against a real server: files as large as the document allows, and callers that leave. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Hearth, startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { type TemporaryFolder, temporaryFolder } from '../../scripts/temporary.ts'

const timeoutMs = 60_000
const maxFileBytes = 104_857_600
let folder: TemporaryFolder
let hearth: Hearth
let blobs: string

beforeAll(async () => {
  folder = await temporaryFolder()
  const dataDir = join(folder.path, 'data')
  blobs = join(dataDir, 'blobs/experiments')
  hearth = await startHearth({ dataDir })
}, timeoutMs)

afterAll(async () => {
  await hearth?.end()
  await folder?.[Symbol.asyncDispose]()
})

/** Files on disk, those that are being written among them. */
const stored = async (): Promise<string[]> => {
  const all = await readdir(blobs, { recursive: true, withFileTypes: true }).catch(() => [])
  return all.filter((one) => one.isFile()).map(({ name }) => name)
}

const peakMiB = async () => {
  const status = await readFile(`/proc/${hearth.pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024
}

const head = (name: string) =>
  `--X\r\nContent-Disposition: form-data; name="files"; filename="${name}"\r\n\r\n`
const type = 'multipart/form-data; boundary=X'

async function* bodyOf(sizes: readonly number[]) {
  const encoder = new TextEncoder()
  const piece = new Uint8Array(1 << 20).fill(97)
  for (const [i, size] of sizes.entries()) {
    yield encoder.encode(head(`${i}.csv`))
    for (let left = size; left > 0; left -= piece.length) yield piece.subarray(0, left)
    yield encoder.encode('\r\n')
  }
  yield encoder.encode('--X--\r\n')
}

const upload = async (...sizes: number[]) => {
  const reply = await fetch(`${hearth.origin}/api/upload`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: new Response(bodyOf(sizes) as never).body,
  })
  return { status: reply.status, body: (await reply.json()) as { data: { id: string }[] } }
}

const remove = (id: string) => fetch(`${hearth.origin}/api/files/${id}`, { method: 'DELETE' })

test(
  'files of 100 MiB go to disk as they come, and one byte more is refused',
  async () => {
    const before = await peakMiB()
    const taken = await upload(maxFileBytes, maxFileBytes - 1)
    expect(taken).toMatchObject({
      status: 200,
      body: { data: [{ size: maxFileBytes }, { size: maxFileBytes - 1 }] },
    })
    // Neither of the two was ever held in memory as a whole.
    expect((await peakMiB()) - before).toBeLessThan(90)
    for (const { id } of taken.body.data) await remove(id)
    expect(await upload(10, maxFileBytes + 1)).toMatchObject({
      status: 400,
      body: {
        error: { code: 'FILE_TOO_LARGE', message: `1.csv is larger than ${maxFileBytes} bytes` },
      },
    })
    expect(await stored()).toEqual([])
  },
  timeoutMs,
)

test(
  'a caller that hangs up in the middle leaves nothing',
  async () => {
    const { hostname, port } = new URL(hearth.origin)
    for (const length of ['Content-Length: 90000000', 'Transfer-Encoding: chunked']) {
      const part = `${head('a.csv')}whole\r\n${head('b.csv')}${'z'.repeat(500_000)}`
      const body = length.endsWith('chunked') ? `${part.length.toString(16)}\r\n${part}\r\n` : part
      const request = `POST /api/upload HTTP/1.1\r\nHost: ${hostname}:${port}\r\n`
      const socket = await Bun.connect({ hostname, port: Number(port), socket: { data() {} } })
      socket.write(`${request}Content-Type: ${type}\r\n${length}\r\n\r\n${body}`)
      await waitUntil('the second file to arrive', async () => (await stored()).length === 2)
      socket.terminate()
      await waitUntil('both to be gone', async () => (await stored()).length === 0)
    }
    const list = await (await fetch(`${hearth.origin}/api/files`)).json()
    expect(list).toMatchObject({ data: { files: [], total: 0 } })
  },
  timeoutMs,
)
