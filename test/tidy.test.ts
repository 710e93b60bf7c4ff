/** Keeps the rules of the code base by running them: every breach is reported with its place. */
import { describe, expect, test } from 'bun:test'
import { importBreach, importsOf } from './tidy/imports.ts'
import { readSources, source } from './tidy/source.ts'
import { textBreaches } from './tidy/text.ts'

const sources = await readSources()

const breaches = (files: readonly ReturnType<typeof source>[]): string[] => [
  ...files.flatMap(textBreaches).map(({ path, line, rule }) => `${path}:${line} ${rule}`),
  ...files
    .flatMap(importsOf)
    .map((found) => ({ ...found, rule: importBreach(found) }))
    .filter(({ rule }) => rule !== null)
    .map(({ from, line, target, rule }) => `${from}:${line} imports ${target}: ${rule}`),
]

test('the source files keep the rules', () => {
  expect(sources.length).toBeGreaterThan(20)
  expect(breaches(sources)).toEqual([])
})

describe('the rules themselves', () => {
  const one = (path: string, ...lines: string[]) =>
    breaches([source(path, ['/** Why. */', ...lines, ''].join('\n'))])

  test.each([
    ['src/kernel/a.ts', 'const a: any = 1'],
    ['src/kernel/a.ts', 'const a = 1 as any'],
    ['src/kernel/a.ts', 'const a = new Map<string, any>()'],
    ['src/kernel/a.ts', 'console.log(1)'],
    ['src/kernel/a.ts', `// TO${'DO'} later`],
    ['src/kernel/a.ts', `const a = ${"'".padEnd(100, 'x')}'`],
    ['src/kernel/a.ts', 'Bun.spawn([])'],
    ['src/kernel/a.ts', 'export default {}'],
    ['src/kernel/a.ts', "import { x } from '../../plugins/tracking/time.ts'"],
    ['src/kernel/a.ts', "import { spawn } from 'node:child_process'"],
    ['src/kernel/a.ts', "import postgres from 'postgres'"],
    ['src/kernel/a.ts', "import { sql } from 'drizzle-orm/sql'"],
    ['src/kernel/a.ts', "import Redis from 'ioredis'"],
    ['plugins/a/index.ts', "import * as ort from 'onnxruntime-node'"],
    ['src/auth/a.ts', "import { Elysia } from 'elysia'"],
    ['src/storage/a.ts', "import type { Clock } from '../kernel/clock.ts'"],
    ['plugins/a/b/c.ts', "import { x } from '../../../src/kernel/clock.ts'"],
    ['plugins/a/b.ts', "import { x } from '../other/routes.ts'"],
    ['runners/a.ts', "import { x } from '../src/storage/database.ts'"],
    ['src/kernel/utils.ts', ''],
    ['src/kernel/a.ts', ...Array.from({ length: 300 }, () => '')],
  ])('%s refuses %s', (path, ...lines) => {
    expect(one(path, ...lines)).toHaveLength(1)
  })

  test('a file without its sentence is refused', () => {
    expect(breaches([source('src/kernel/a.ts', 'export {}\n')])).toHaveLength(1)
  })

  test.each([
    ['src/kernel/a.ts', "const a = 'any console.log' // any console."],
    ['src/kernel/a.ts', "import { Elysia } from 'elysia'"],
    ['src/storage/a.ts', "import { sql } from 'drizzle-orm'"],
    ['plugins/a/schema.ts', "import { integer } from 'drizzle-orm/sqlite-core'"],
    ['plugins/a/b/c.ts', "import { x } from '../../../src/sdk.ts'"],
    ['plugins/a/b.ts', "import { x } from '../other/service.ts'"],
    ['plugins/a/index.ts', 'export default definePlugin({})'],
    ['runners/a.ts', "import { x } from '../src/jobs/protocol.ts'"],
    ['test/a.test.ts', "import { Database } from 'bun:sqlite'"],
  ])('%s allows %s', (path, line) => {
    expect(one(path, line)).toEqual([])
  })
})
