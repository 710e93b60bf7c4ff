/** Checks each static hint at a leak on a program that has it, and on one that does not. */
import { describe, expect, test } from 'bun:test'
import { leakageWarnings } from '../../../../plugins/experiments/scoring/leakage.ts'
import { taskOf } from './table.ts'

const task = taskOf({ target: 'price' })

const honest = `
"""A baseline; it reads nothing from '/etc/passwd' and does no train_test_split."""
import pandas as pd
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
train = pd.read_csv("./input/train.csv")
test = pd.read_csv("./input/test.csv")
sample = pd.read_csv('./input/sample_submission.csv')  # requests.get("https://x")
features = [c for c in train.columns if c != "price"]
model = make_pipeline(scaler, ridge)
print(cross_val_score(model, train[features], train["price"]).mean())
model.fit(train[features], train["price"])
test["price"] = model.predict(test[features])
sample["price"] = model.predict(test[features])
sample.to_csv("./working/submission.csv", index=False)
`

test('an honest program has no warnings', () => {
  expect(leakageWarnings(honest, task)).toEqual([])
})

describe('each leak is told with its line', () => {
  test.each([
    [
      'x = 1\nX = scaler.fit_transform(X)\na, b = train_test_split(X)',
      'Line 2: a transformer is fit before the data is split, so it has seen the validation rows.',
    ],
    [
      'both = pd.concat([train[cols], test[cols]])\nenc.fit(both)',
      'Line 1: training and test rows are joined before something is fit to them.',
    ],
    ['y = test["price"]', 'Line 1: the target is read from the rows to predict.'],
    ["features = ['area', 'price']", 'Line 1: the target seems to be among the features.'],
    ['\nopen("/srv/data/train.csv")', 'Line 2: a file outside of ./input and ./working is opened.'],
    [
      "pd.read_csv('../other/train.csv')",
      'Line 1: a file outside of ./input and ./working is opened.',
    ],
    ['import requests', 'Line 1: the network is used.'],
    ['pd.read_csv("https://example.com/train.csv")', 'Line 1: the network is used.'],
    [
      'from sklearn.datasets import load_digits\ntruth = load_digits()',
      'Line 2: a public data set is loaded, which may hold the rows to predict.',
    ],
    [
      `answers = {${Array.from({ length: 201 }, (_, i) => `${i}: 'yes'`).join(', ')}}`,
      'Line 1: a long list of constants stands in the code: answers may be written into it.',
    ],
    [
      's = pd.read_csv("input/sample_submission.csv")\ns.to_csv("working/submission.csv")',
      'Line 1: sample_submission.csv is handed in as it is.',
    ],
    [
      'shutil.copy("input/sample_submission.csv", "working/submission.csv")',
      'Line 1: sample_submission.csv is handed in as it is.',
    ],
  ])('%#', (code, warning) => {
    expect(leakageWarnings(code, task)).toEqual([warning])
  })

  test('a line behind a docstring is counted right', () => {
    const code = '"""One.\n\nThree."""\nimport socket'
    expect(leakageWarnings(code, null)).toEqual(['Line 4: the network is used.'])
  })

  test('a long program is read to its end', () => {
    const code = `${'x = ["a", "b"]\n'.repeat(20_000)}y = [${'1, '.repeat(150)}"`
    expect(leakageWarnings(code, task)).toEqual([])
  })
})
