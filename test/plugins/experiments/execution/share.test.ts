/** A Python of one's own, shown to sandboxes by HEARTH_SHARE: real models, warm and cold alike. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { delimiter, dirname, join } from 'node:path'
import { must } from '../../../../scripts/command.ts'
import { openRig, owner, type Rig } from './rig.ts'

setDefaultTimeout(60_000)

const python =
  process.env['HEARTH_TEST_PYTHON'] ??
  join(import.meta.dir, '../../../../.cache/test-venv/bin/python')
const given = process.env['HEARTH_SHARE']
let rig: Rig

beforeAll(async () => {
  const base = (await must([python, '-c', 'import sys; print(sys.base_prefix)'], {})).trim()
  process.env['HEARTH_SHARE'] = [dirname(dirname(python)), base].join(delimiter)
  rig = await openRig({ python })
})
afterAll(async () => {
  if (given === undefined) delete process.env['HEARTH_SHARE']
  else process.env['HEARTH_SHARE'] = given
  await rig?.[Symbol.asyncDispose]()
})

test('what is installed there is known', async () => {
  const found = await rig.executor.packages(owner, { sandbox: 'bwrap', requirements: [] })
  expect(found).toMatchObject({
    numpy: expect.stringMatching(/^\d/),
    pandas: expect.stringMatching(/^\d/),
    'scikit-learn': expect.stringMatching(/^\d/),
  })
})

test('warm and cold, a program prints and leaves the same', async () => {
  const code = `from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
import pandas as pd
rows = load_iris(as_frame=True).frame
train, test = rows[rows.index % 3 > 0], rows[rows.index % 3 == 0]
model = LogisticRegression(max_iter=1000).fit(train.drop(columns='target'), train['target'])
found = model.predict(test.drop(columns='target'))
pd.DataFrame({'id': test.index, 'target': found}).to_csv('working/submission.csv', index=False)
print('accuracy', (found == test['target']).mean())`
  const [cold, warm] = await Promise.all([false, true].map((warm) => rig.run(code, { warm })))
  const what = ({ failure, output, artifacts }: Awaited<ReturnType<Rig['run']>>) => ({
    ...{ failure, output, artifacts },
  })
  expect(what(warm!)).toEqual(what(cold!))
  expect(what(cold!)).toMatchObject({
    failure: null,
    output: { head: expect.stringMatching(/^accuracy (0\.9\d+|1\.0)\n$/) },
    artifacts: [{ path: 'working/submission.csv' }],
  })
})

test('a mistake in a model is told with the place in the program', async () => {
  const code = `import numpy as np
from sklearn.linear_model import LinearRegression
LinearRegression().fit(np.ones((3, 2)), np.ones(4))`
  const { failure, exception } = await rig.run(code)
  expect([failure, exception?.type, exception?.stack[0]]).toEqual([
    'exception',
    'ValueError',
    ['solution.py', 3, '<module>', 'LinearRegression().fit(np.ones((3, 2)), np.ones(4))'],
  ])
})

test('its folders can be read, and not written', async () => {
  const code = `import sys
print(sys.prefix)
open(sys.prefix + '/planted', 'w')`
  const run = await rig.run(code)
  expect(run.output.head.split('\n')[0]).toBe(dirname(dirname(python)))
  expect(run).toMatchObject({ failure: 'exception', exception: { type: 'OSError' } })
})
