/** The signing key is long, private, made once, and never half written. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSecretKey } from '../../src/auth/secret.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hearth-secret-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

const mode = async () => (await stat(join(dataDir, 'secret.key'))).mode & 0o777

test('a key is made on first use and kept for its owner alone', async () => {
  const made = await readSecretKey(join(dataDir, 'new', 'folder'))
  expect(await readSecretKey(join(dataDir, 'new', 'folder'))).toEqual(made)
  expect(made.length).toBe(64)
  expect(await readSecretKey(dataDir)).not.toEqual(made)
  expect(await mode()).toBe(0o600)
})

test('servers that start at the same time agree on one key and leave nothing behind', async () => {
  const keys = await Promise.all(Array.from({ length: 20 }, () => readSecretKey(dataDir)))
  expect(new Set(keys.map((key) => key.toHex())).size).toBe(1)
  expect(await readdir(dataDir)).toEqual(['secret.key'])
})

test('a key that others could read is closed to them', async () => {
  await readSecretKey(dataDir)
  await chmod(join(dataDir, 'secret.key'), 0o644)
  await readSecretKey(dataDir)
  expect(await mode()).toBe(0o600)
})

test('a configured key is used as it is and writes no file', async () => {
  const text = 'ünusual but long enough for a key'
  expect(await readSecretKey(dataDir, text)).toEqual(new TextEncoder().encode(text))
  expect(await readdir(dataDir)).toEqual([])
})

test('short keys are refused, with the way to a good one', async () => {
  await writeFile(join(dataDir, 'secret.key'), 'short\n')
  await expect(readSecretKey(dataDir)).rejects.toThrow(
    `${join(dataDir, 'secret.key')} has 5 bytes and needs at least 32; make one with: openssl rand`,
  )
  await expect(readSecretKey(dataDir, '')).rejects.toThrow('SECRET_KEY has 0 bytes')
  await expect(readSecretKey(dataDir, 'x'.repeat(31))).rejects.toThrow('SECRET_KEY has 31 bytes')
})
