/** How the ladder is climbed: what follows what, and what is never taken over from a program. */
import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Family,
  plain,
  type Recipe,
  recipeLine,
  recipeOf,
} from '../../../../plugins/experiments/propose/ladder/recipe.ts'
import { createLadder } from '../../../../plugins/experiments/propose/ladder/ladder.ts'
import { randomFrom } from '../../../../plugins/experiments/search/random.ts'
import { arenaOf, contextOf, journalOf, nodeOf, proposed, rungsOf, scored } from './rig.ts'
import { runPython } from '../scoring/python.ts'
import { runPrograms } from './rig.ts'

const folder = await mkdtemp(join(tmpdir(), 'ladder-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const table = (rows: number, classOf: (i: number) => string) =>
  ['a,b,town,y', ...Array.from({ length: rows }, (_, i) => row(i, classOf(i)))].join('\n')
const row = (i: number, label: string) => `${(i * 7919) % 101},${i % 7},t${i % 3},${label}`

const small = await arenaOf({ table: table(90, (i) => `c${i % 3}`), target: 'y' })

const recipe = (family: Family, more: Partial<Recipe> = {}): Recipe => ({
  ...{ ...plain, family, params: {} },
  ...more,
})

describe('a recipe', () => {
  test('is read from the program that it was written into', () => {
    const whole = recipe('svm', { params: { C: 3, gamma: 'scale' }, bag: 3, maxRows: 500 })
    expect(recipeOf(`import os\n${recipeLine(whole)}\nprint(1)`)).toEqual(whole)
    const { blend: _, ...other } = recipe('linear')
    const blended = { ...whole, blend: other }
    expect(recipeOf(recipeLine(blended))).toEqual(blended)
  })

  test.each([
    ['no recipe', 'print(1)'],
    ['no JSON', '# recipe: {'],
    ['null', '# recipe: null'],
    ['no parameters', '# recipe: {"family":"linear"}'],
    ['an unknown family', '# recipe: {"family":"toString","params":{}}'],
    ['a parameter that is code', '# recipe: {"family":"linear","params":{"C=1);exit(":1}}'],
    ['a parameter that is a list', '# recipe: {"family":"linear","params":{"C":[1]}}'],
    ['a bag of millions of no number', '# recipe: {"family":"linear","params":{},"bag":"9"}'],
    ['rows that are code', '# recipe: {"family":"linear","params":{},"maxRows":"exit()"}'],
    ['a field that nobody knows', '# recipe: {"family":"linear","params":{},"x":1}'],
    ['a blend that is none', '# recipe: {"family":"linear","params":{},"blend":{"family":"x"}}'],
  ])('%s is none', (_what, code) => {
    expect(recipeOf(code)).toBeNull()
  })

  test('of another author stays a text in the program that is made of it', async () => {
    const words = { params: { C: 1, penalty: "(__import__('os').abort(),)" } }
    const nodes = [nodeOf(1, recipeLine(recipe('linear', words)), 0.5)]
    const context = small.context({ journal: journalOf(nodes), step: 2 })
    const code = await proposed({ kind: 'improve', parent: 'node_1' }, context)
    expect(code).not.toContain("=(__import__('os')")
  })
})

describe('the climb', () => {
  test('begins with simple models, and takes each once', async () => {
    expect([...(await rungsOf(small)).keys()]).toEqual([
      ...['dummy', 'linear', 'boosting', 'extra_trees', 'forest', 'svm', 'neighbours', 'tree'],
    ])
  })

  test('takes LightGBM where it is installed', async () => {
    const packages = { 'scikit-learn': '1', pandas: '2', lightgbm: '4' }
    expect([...(await rungsOf(small, { packages })).keys()]).toContain('lightgbm')
  })

  test('the same seed and journal give the same programs', async () => {
    const climb = async (seed: number) => {
      const nodes = [...(await rungsOf(small)).values()].map((code, i) => nodeOf(i + 1, code, i))
      for (let step = nodes.length + 1; step <= 14; step++) {
        const context = small.context({
          ...{ journal: journalOf(nodes), step, random: randomFrom(seed, step) },
        })
        const code = await proposed({ kind: 'improve', parent: 'node_3' }, context)
        nodes.push(nodeOf(step, code, step))
      }
      return nodes.map(({ code }) => code)
    }
    const first = await climb(1)
    expect(await climb(1)).toEqual(first)
    expect(await climb(2)).not.toEqual(first)
    expect(new Set(first).size).toBe(first.length)
  })

  test('after too much time or memory it learns from fewer rows', async () => {
    const code = recipeLine(recipe('forest', { params: { n_estimators: 400 }, bag: 3 }))
    const failed = nodeOf(1, code, null)
    const verdict = { ...failed.verdict!, failure: 'timeout' as const }
    const journal = journalOf([{ ...failed, verdict }])
    const next = await proposed({ kind: 'debug', parent: 'node_1' }, small.context({ journal }))
    const smaller = { params: { n_estimators: 100 }, maxRows: 500 }
    expect(recipeOf(next)).toEqual(recipe('forest', smaller))
  })

  test('many classes leave out what would take hours', async () => {
    const many = await arenaOf({ table: table(3000, (i) => `c${i % 1000}`), target: 'y' })
    expect(many.task.kind).toBe('multiclass')
    const rungs = await rungsOf(many)
    expect([...rungs.keys()]).toEqual(['dummy', 'linear', 'mlp', 'neighbours', 'tree'])
    await allRun(['tree', 'neighbours'].map((family) => [many, rungs.get(family)!]))
  }, 60_000)
})

const allRun = async (entries: readonly (readonly [typeof small, string])[]) => {
  const found = await scored(folder, entries)
  expect(found.filter(({ error, problem }) => error !== null || problem !== null)).toEqual([])
  expect(found.length).toBe(entries.length)
}

test('fused and improved programs run and are scored', async () => {
  const wide = { params: { C: 1, max_iter: 200 }, scale: 'standard', encode: 'onehot' } as const
  const nodes = [
    nodeOf(1, recipeLine(recipe('linear', wide)), 0.5),
    nodeOf(2, recipeLine(recipe('tree', { params: { max_depth: 4 } })), 0.6),
  ]
  const context = small.context({ journal: journalOf(nodes), step: 3, kFold: 2 })
  const fused = await proposed({ kind: 'fuse', parents: ['node_1', 'node_2'] }, context)
  expect(recipeOf(fused)?.blend?.family).toBe('tree')
  const changes = [
    { interactions: true, scale: 'quantile', bag: 3, balance: true, maxRows: 40 },
    { params: { n_neighbors: 41 }, family: 'neighbours' },
    { params: { max_features: 1, n_estimators: 20 }, family: 'forest' },
  ] as const
  const codes = [fused]
  for (const change of changes) {
    const parent = recipe('linear', { ...wide, ...change })
    const journal = journalOf([nodeOf(1, recipeLine(parent), 0.5)])
    const more = { journal, kFold: 2, random: () => 0 }
    codes.push(await proposed({ kind: 'improve', parent: 'node_1' }, small.context(more)))
  }
  await allRun(codes.map((code) => [small, code]))
}, 60_000)

/** Nothing that was installed can be imported. */
const onlyPython = 'import sys; sys.path = [p for p in sys.path if "-packages" not in p]\n'

describe('without scikit-learn', () => {
  test.each([
    ['labels', { target: 'y' }, table(90, (i) => `c${i % 3}`)],
    [
      'probabilities',
      { target: 'y', metric: 'log_loss' },
      table(90, (i) => ['1', '02', '10'][i % 3]!),
    ],
    ['probabilities of two', { target: 'y', metric: 'roc_auc' }, table(90, (i) => `${i % 2}`)],
    ['numbers', { target: 'y', metric: 'rmse' }, table(90, (i) => `${i / 3}`)],
  ])('a program of Python alone predicts %s', async (_what, asked, text) => {
    const arena = await arenaOf({ ...asked, table: text })
    const code = await proposed({ kind: 'draft' }, arena.context({ packages: {} }))
    const work = await arena.layOut(folder)
    const output = await runPython(onlyPython + code, null, work)
    expect((await arena.judge(work)).problem).toBeNull()
    expect(output).toMatch(/^Validation \w+: [\d.]+\n$/)
  })
})

test('without a target it describes the tables and reports how well clusters part', async () => {
  const preview = small.context().preview
  const ladder = createLadder()
  const { code, plan } = await ladder.propose({ kind: 'draft' }, contextOf({ preview, step: 2 }))
  expect(plan).toContain('3 clusters')
  const [ran] = await runPrograms([{ folder: await small.layOut(folder), code }])
  expect(ran!.error).toBeNull()
  expect(ran!.output).toMatch(/^Validation silhouette: [\d.]+$/m)
}, 60_000)
