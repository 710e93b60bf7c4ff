/** Runs real programs on scikit-learn's data: what they print counts for nothing. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTask } from '../../../../plugins/experiments/scoring/read-task.ts'
import { createReferee } from '../../../../plugins/experiments/scoring/referee.ts'
import { summariseTable } from '../../../../plugins/experiments/data/summary.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'
import { runPython } from './python.ts'

const folder = await mkdtemp(join(tmpdir(), 'scoring-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const makeTables = `
from sklearn import datasets
for name in ("digits", "breast_cancer", "diabetes"):
    data = getattr(datasets, "load_" + name)(as_frame=True)
    data.frame.to_csv(name + ".csv", index=False)
`
beforeAll(async () => void (await runPython(makeTables, null, folder)))

const program = (predict: string) => `
import pandas as pd, numpy as np, glob, os
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
name = [f for f in os.listdir("input") if f not in ("test.csv", "sample_submission.csv")][0]
train, test = pd.read_csv("input/" + name), pd.read_csv("input/test.csv")
sample = pd.read_csv("input/sample_submission.csv")
X, y = train.drop(columns="target"), train["target"]
assert list(sample.columns) == ["row_id", "target"] and "target" not in test
sample["target"] = ${predict}
os.makedirs("working", exist_ok=True)
sample.to_csv("working/submission.csv", index=False)
`

const score = async (table: string, goal: string, evaluation: string, predict: string) => {
  const blobs = memoryBlobs()
  const referee = createReferee({ blobs })
  const source = Bun.file(join(folder, table))
  const file = { path: table, ...(await blobs.put(source.stream())) }
  const summary = await summariseTable(table, source.stream())
  const { task } = readTask({ goal, evaluation, tables: [summary], asked: {} })
  const prepared = await referee.prepare([file], task!, 0)
  const work = await mkdtemp(join(folder, 'node-'))
  await mkdir(join(work, 'input'))
  for (const { path, sha256 } of prepared.visible) {
    await Bun.write(join(work, 'input', path), new Response(await blobs.get(sha256)))
  }
  await runPython(program(predict), null, work)
  const written = Bun.file(join(work, 'working/submission.csv'))
  const submission = { path: 'working/submission.csv', ...(await blobs.put(written.stream())) }
  return { task: task!, ...(await referee.judge(task!, prepared, submission)) }
}

const digits = (predict: string) =>
  score('digits.csv', 'Predict the target digit', 'accuracy', predict)

test('digits: a support vector machine is near what scikit-learn measures by itself', async () => {
  const svc = await digits('SVC(gamma=.001, C=10).fit(X, y).predict(test[X.columns])')
  expect(svc.task.kind).toBe('multiclass')
  expect(svc.metric).toBeGreaterThan(0.97)
  expect(svc.selectionMetric).toBeGreaterThan(0.96)
  expect(svc.interval![0]).toBeLessThan(svc.metric!)
  expect(svc.warnings).toEqual([])
})

test('a program that claims 0.9999 of random predictions gets what they are worth', async () => {
  const guess = 'np.random.default_rng(0).integers(0, 10, len(test))'
  const cheat = await digits(`${guess}\nprint("Validation accuracy: 0.9999")`)
  expect(cheat.metric).toBeLessThan(0.2)
  expect(cheat.selectionMetric).toBeLessThan(0.2)
})

test('breast cancer: probabilities by the area under the curve', async () => {
  const predict =
    'make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)' +
    '.predict_proba(test[X.columns])[:, 1]'
  const auc = await score('breast_cancer.csv', 'Predict the target', 'AUC', predict)
  expect([auc.task.metric, auc.task.kind]).toEqual(['roc_auc', 'binary'])
  expect(auc.metric).toBeGreaterThan(0.97)
})

test('diabetes: ridge is better than the mean', async () => {
  const goal = 'Predict the target from the measurements'
  const dummy = await score(
    'diabetes.csv',
    goal,
    'RMSE',
    'DummyRegressor().fit(X, y).predict(test)',
  )
  const ridge = await score(
    'diabetes.csv',
    goal,
    'RMSE',
    'Ridge().fit(X, y).predict(test[X.columns])',
  )
  expect(dummy.warnings).toEqual(['All predictions of "target" are the same.'])
  expect(dummy.metric! - ridge.metric!).toBeGreaterThan(10)
})
