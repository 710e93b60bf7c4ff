/** Tables that break programs: each must still be predicted, by every kind of model. */
import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { csvLine } from '../../../../plugins/experiments/data/csv.ts'
import { type Arena, arenaOf, type Question, rungsOf, scored } from './rig.ts'

const folder = await mkdtemp(join(tmpdir(), 'ladder-odd-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

type Field = string | number
const csv = (header: readonly string[], rows: number, row: (i: number) => readonly Field[]) =>
  [header, ...Array.from({ length: rows }, (_, i) => row(i).map(String))]
    .map((fields) => csvLine(fields))
    .join('')

/** Numbers that look like chance, and are the same every time. */
const noise = (i: number, salt = 0): number => (((i + 1) * 7919 + salt * 104_729) % 1009) / 1009

const names = ['"; import os #', "it's", 'a\nb', 'größe 🌡', 'a__b', '{y}', '"""', '\\']

const tables: Readonly<Record<string, Question>> = {
  'gaps, categories, texts, dates and infinities': {
    target: 'price',
    table: csv(['size', 'town', 'flag', 'about', 'sold', 'empty', 'price'], 60, (i) => [
      i % 7 === 0 ? '' : i % 11 === 0 ? 'inf' : i === 20 ? 1e300 : noise(i) * 100,
      i % 5 === 0 ? '' : `town ${i % 4}`,
      i % 6 === 0 ? '' : i % 2 === 0 ? 'true' : 'false',
      i % 9 === 0 ? '' : `A house ${i} of ${Math.round(noise(i) * 1000)} rooms in place ${i % 13}`,
      i % 8 === 0 ? '' : `${(i % 28) + 1}.0${(i % 9) + 1}.2024`,
      '',
      noise(i) * 1000 + (i % 4) * 50,
    ]),
  },
  'names that are code, quotes and line breaks': {
    target: 'the "target"\n\'""",',
    name: 'a "b" \'c\'.csv',
    table: csv([...names, 'the "target"\n\'""",'], 60, (i) => [
      ...names.map((_, n) => (n % 2 === 0 ? noise(i, n) : `'"\n${i % 3}`)),
      i % 2 === 0 ? 'it\'s "yes"' : 'no, \n never',
    ]),
  },
  'one feature': {
    target: 'y',
    metric: 'r2',
    table: csv(['x', 'y'], 40, (i) => [i, 3 * i + noise(i)]),
  },
  'no feature at all': {
    target: 'y',
    metric: 'rmse',
    table: csv(['name', 'y'], 120, (i) => [`n${i}`, noise(i)]),
  },
  'a target that is nearly constant': {
    target: 'y',
    metric: 'rmse',
    table: csv(['x', 'z', 'y'], 40, (i) => [noise(i), noise(i, 1), i === 39 ? 2 : 1]),
  },
  'a class of one row': {
    target: 'y',
    metric: 'log_loss',
    table: csv(['x', 'z', 'y'], 60, (i) => [noise(i), i, i === 7 ? 'rare' : i % 2 ? 'a' : 'b']),
  },
  'the fewest rows that can be scored': {
    target: 'y',
    metric: 'accuracy',
    table: csv(['x', 'z', 'y'], 10, (i) => [i, noise(i), i < 5 ? 'low' : 'high']),
  },
  'classes in several spellings, probabilities': {
    target: 'y',
    metric: 'log_loss',
    table: csv(['x', 'y'], 60, (i) => [i % 3, ['1', '02', '10.0', '1.0', '2', ' 10'][i % 6]!]),
  },
  'a semicolon between fields, commas within': {
    target: 'y',
    table: Array.from({ length: 40 }, (_, i) => `"1,${i}";${i};${i % 2 ? 'a, b' : 'c'}\n`).reduce(
      (text, line) => text + line,
      '"x, of all, kinds, of, commas";z;y\n',
    ),
  },
  'queries of a ranking': {
    target: 'relevance',
    metric: 'ndcg@5',
    group: 'query',
    table: csv(['query', 'x', 'relevance'], 48, (i) => [`q${i % 8}`, noise(i), i % 3]),
  },
  'groups, some classes in one of them only': {
    target: 'y',
    metric: 'accuracy',
    group: 'who',
    table: csv(['who', 'x', 'y'], 48, (i) => [`w${i % 12}`, noise(i), `c${i % 4}`]),
  },
}

const arenas = await Promise.all(
  Object.entries(tables).map(async ([what, question]) => ({
    what,
    arena: await arenaOf(question),
  })),
)

/** One of each kind of program: forests of many trees differ from a tree in time only. */
const families = new Set(['linear', 'svm', 'neighbours', 'boosting', 'tree', 'mlp'])

/** All tables in one Python: importing scikit-learn takes longer than most programs. */
const results = (async () => {
  const entries: { what: string; arena: Arena; code: string }[] = []
  for (const { what, arena } of arenas) {
    for (const [family, code] of await rungsOf(arena, { kFold: 2 })) {
      if (families.has(family)) entries.push({ what, arena, code })
    }
  }
  const found = await scored(
    folder,
    entries.map(({ arena, code }) => [arena, code]),
  )
  return found.map((one, i) => ({ what: entries[i]!.what, ...one }))
})()

describe('every rung predicts', () => {
  test.each(Object.keys(tables))(
    '%s',
    async (what) => {
      const own = (await results).filter((one) => one.what === what)
      expect(own.length).toBeGreaterThan(4)
      expect(own.filter((one) => one.error !== null || one.problem !== null)).toEqual([])
      expect(own.every(({ metric }) => Number.isFinite(metric))).toBe(true)
    },
    100_000,
  )
})
