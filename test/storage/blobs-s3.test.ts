/** The blob store in S3 keeps the promises of blobs, against a real server of that protocol. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Blobs, openBlobs } from '../../src/storage/blobs.ts'
import { UnavailableError } from '../../src/storage/errors.ts'
import { blobConformance } from '../conformance/blobs.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'hearth-s3-'))
afterAll(() => rmSync(dataDir, { recursive: true }))

const open = (endpoint: string): Promise<Blobs> =>
  openBlobs({
    dataDir,
    namespace: 'test',
    env: {
      S3_BUCKET: 'hearth-test',
      S3_ENDPOINT: endpoint,
      S3_REGION: 'us-east-1',
      S3_ACCESS_KEY_ID: 'test',
      S3_SECRET_ACCESS_KEY: 'test',
    },
  })

const start = async () => {
  const server = Bun.spawn(['python3', join(import.meta.dir, 's3-server.py')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const port = new TextDecoder().decode((await server.stdout.getReader().read()).value).trim()
  const endpoint = `http://127.0.0.1:${port}`
  const made = await fetch(`${endpoint}/hearth-test`, { method: 'PUT' })
  expect(made.status).toBe(200)
  const close = async () => {
    await server.stdin.end()
    await server.exited
  }
  return { endpoint, close }
}

const hasMoto = Bun.spawnSync(['python3', '-c', 'import moto.server']).success

if (hasMoto) {
  blobConformance('in S3', async () => {
    const { endpoint, close } = await start()
    return { blobs: await open(endpoint), close }
  })
} else {
  test.skip('blobs in S3: SKIPPED, the Python package moto[server] is not installed', () => {})
}

test('a bucket that cannot be reached says so, and what arrived is not kept', async () => {
  const blobs = await open('http://127.0.0.1:1')
  await expect(blobs.put(new Uint8Array(10))).rejects.toBeInstanceOf(UnavailableError)
  expect(readdirSync(join(dataDir, 'blobs', 'test', 'incoming'))).toEqual([])
})

test.if(hasMoto)('40 MB go up in parts, in a small memory', async () => {
  const { endpoint, close } = await start()
  const blobs = await open(endpoint)
  let left = 40
  const piece = new Uint8Array(1 << 20).fill(9)
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => (left-- > 0 ? controller.enqueue(piece) : controller.close()),
  })
  Bun.gc(true)
  const before = process.memoryUsage.rss()
  const { sha256 } = await blobs.put(source)
  const grownBytes = process.memoryUsage.rss() - before
  const hasher = new Bun.CryptoHasher('sha256')
  for await (const chunk of (await blobs.get(sha256)) ?? []) hasher.update(chunk)
  expect(hasher.digest('hex')).toBe(sha256)
  expect(grownBytes).toBeLessThan(32 << 20)
  await close()
})
