/** The rungs on scikit-learn's data: they run, and score what plain calls of scikit-learn do. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runPython } from '../scoring/python.ts'
import { type Arena, arenaOf, rungsOf, scored } from './rig.ts'

const folder = await mkdtemp(join(tmpdir(), 'ladder-rungs-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const makeTables = `
from sklearn import datasets
for name in ("iris", "wine", "digits", "breast_cancer", "diabetes"):
    getattr(datasets, "load_" + name)(as_frame=True).frame.to_csv(name + ".csv", index=False)
`
const arenas: Record<string, Arena> = {}
beforeAll(async () => {
  await runPython(makeTables, null, folder)
  for (const name of ['iris', 'wine', 'digits', 'breast_cancer', 'diabetes']) {
    const table = await Bun.file(join(folder, `${name}.csv`)).text()
    arenas[name] = await arenaOf({ table, target: 'target', name: `${name}.csv` })
  }
}, 60_000)

/** What somebody would write without thinking long. */
const plain = (name: string, imports: string, predict: string) => `
import os
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
${imports}
train, test = pd.read_csv("input/${name}.csv"), pd.read_csv("input/test.csv")
sample = pd.read_csv("input/sample_submission.csv")
X, y = train.drop(columns="target"), train["target"]
test = test[X.columns]
sample["target"] = ${predict}
os.makedirs("working", exist_ok=True)
sample.to_csv("working/submission.csv", index=False)
`
const scaled = (model: string) => `make_pipeline(StandardScaler(), ${model}).fit(X, y)`
const logistic = scaled('LogisticRegression(max_iter=2000)')

const peers: readonly (readonly [string, string, string, string, number])[] = [
  ['iris', 'linear', 'from sklearn.linear_model import *', `${logistic}.predict(test)`, 0.001],
  [
    ...(['wine', 'forest', 'from sklearn.ensemble import *'] as const),
    ...(['RandomForestClassifier(200, random_state=0).fit(X, y).predict(test)', 0.06] as const),
  ],
  [
    ...(['digits', 'svm', 'from sklearn.svm import SVC'] as const),
    ...([`${scaled('SVC(C=10)')}.predict(test)`, 0.01] as const),
  ],
  [
    ...(['breast_cancer', 'linear', 'from sklearn.linear_model import *'] as const),
    ...([`${logistic}.predict_proba(test)[:, 1]`, 0.001] as const),
  ],
  [
    ...(['diabetes', 'linear', 'from sklearn.linear_model import *'] as const),
    ...([`${scaled('Ridge()')}.predict(test)`, 0.01] as const),
  ],
  [
    ...(['diabetes', 'boosting', 'from sklearn.ensemble import *'] as const),
    ...['HistGradientBoostingRegressor(max_iter=150, random_state=0).fit(X, y).predict(test)'],
    0.01,
  ] as [string, string, string, string, number],
]

type Result = Awaited<ReturnType<typeof scored>>[number]
const compared: (readonly [Result, Result])[] = []
const climbed: Record<string, { families: string[]; results: Result[] }> = {}

/** All of them in one Python: importing scikit-learn takes longer than most programs. */
beforeAll(async () => {
  const entries: [Arena, string][] = []
  for (const [name, family, imports, predict] of peers) {
    const ours = (await rungsOf(arenas[name]!, { kFold: 2 })).get(family)!
    entries.push([arenas[name]!, ours], [arenas[name]!, plain(name, imports, predict)])
  }
  for (const name of ['iris', 'diabetes']) {
    const rungs = await rungsOf(arenas[name]!, { kFold: 2 })
    climbed[name] = { families: [...rungs.keys()], results: [] }
    for (const code of rungs.values()) entries.push([arenas[name]!, code])
  }
  const found = await scored(folder, entries)
  for (let i = 0; i < peers.length; i++) compared.push([found.shift()!, found.shift()!])
  for (const { families, results } of Object.values(climbed)) {
    results.push(...found.splice(0, families.length))
  }
}, 100_000)

const well = (results: readonly Result[]) =>
  expect(results.filter(({ error, problem }) => error !== null || problem !== null)).toEqual([])

test.each(peers.map(([name, family], i) => [name, family, i] as const))(
  '%s: %s is worth what scikit-learn is',
  (_name, _family, i) => {
    const [ours, theirs] = compared[i]!
    well([ours, theirs])
    expect(Math.abs(ours.metric! - theirs.metric!)).toBeLessThan(peers[i]![4])
  },
)

test.each(['iris', 'diabetes'])('%s: every rung beats the best constant', (name) => {
  const { families, results } = climbed[name]!
  well(results)
  const said = /^Validation \w+: -?[\d.]+ \(std [\d.]+, 2 folds\)$/m
  expect(results.filter(({ output }) => !said.test(output))).toEqual([])
  const [constant = 0, ...others] = results.map(({ metric }) => metric!)
  const sign = arenas[name]!.task.maximize ? 1 : -1
  expect(families.slice(0, 3)).toEqual(['dummy', 'linear', 'svm'])
  expect(families.slice(1).filter((_, i) => sign * (others[i]! - constant) <= 0)).toEqual([])
})
