/** Checks blends of stored predictions, and what is said of two nodes that differ by chance. */
import { describe, expect, test } from 'bun:test'
import { selectEnsemble } from '../../../../plugins/experiments/scoring/ensemble.ts'
import { gainInterval } from '../../../../plugins/experiments/scoring/bootstrap.ts'
import { seededRandom } from '../../../../plugins/experiments/scoring/random.ts'
import {
  blendStored,
  compareStored,
} from '../../../../plugins/experiments/scoring/stored-predictions.ts'
import { createReferee } from '../../../../plugins/experiments/scoring/referee.ts'
import { readTruth, type Truth } from '../../../../plugins/experiments/scoring/truth.ts'
import { csvLine } from '../../../../plugins/experiments/data/csv.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'
import { taskOf } from './table.ts'

const truthOf = (target: Float64Array): Truth => ({
  ids: Array.from(target, (_, i) => String(i)),
  isSelection: Uint8Array.from(target, (_, i) => i % 2),
  target,
  groups: null,
})

/** Numbers that look normal enough. */
const noise = (random: () => number) => random() + random() + random() - 1.5

const numbers = (rows: number, random: () => number) =>
  Float64Array.from({ length: rows }, () => noise(random))

const plus = (values: Float64Array, random: () => number, scale: number) =>
  values.map((value) => value + scale * noise(random))

describe('greedy selection', () => {
  test('blends errors that are independent, and leaves out what is worse', async () => {
    const random = seededRandom(1)
    const target = numbers(600, random)
    const members = ['a', 'b', 'c'].map((node) => ({ node, predicted: plus(target, random, 1) }))
    const bad = { node: 'bad', predicted: plus(target, random, 20) }
    const blend = (await selectEnsemble('rmse', truthOf(target), 0, [bad, ...members]))!
    const { weights, metric, selectionMetric, bestMember, isBetter } = blend
    expect(new Set(weights.map(({ node }) => node))).toEqual(new Set(['a', 'b', 'c']))
    expect(weights.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12)
    for (const { weight } of weights) expect(weight).toBeGreaterThan(0.2)
    expect(selectionMetric).toBeLessThan(bestMember * 0.7)
    expect(metric).toBeLessThan(bestMember * 0.7)
    expect(isBetter).toBeTrue()
    const mixed = target.map((_, row) =>
      weights.reduce(
        (sum, { node, weight }) =>
          sum + weight * members.find((member) => member.node === node)!.predicted[row]!,
        0,
      ),
    )
    blend.predicted.forEach((value, row) => expect(value).toBeCloseTo(mixed[row]!, 9))
  })

  test('takes votes of labels, and ranks where scales differ', async () => {
    const random = seededRandom(2)
    const target = Float64Array.from({ length: 800 }, () => Math.floor(random() * 3))
    const voters = ['a', 'b', 'c', 'd', 'e'].map((node) => ({
      node,
      predicted: target.map((c) => (random() < 0.6 ? c : Math.floor(random() * 3))),
    }))
    const votes = (await selectEnsemble('accuracy', truthOf(target), 3, voters))!
    expect(votes.selectionMetric).toBeGreaterThan(votes.bestMember + 0.05)
    expect(votes.isBetter).toBeTrue()

    const sides = target.map((c) => Math.min(1, c))
    const scores = (scale: number) => {
      const predicted = new Float64Array(sides.length * 2)
      sides.forEach((c, row) => {
        const score = (c + 1.5 * noise(random)) * scale
        predicted[row * 2] = -score
        predicted[row * 2 + 1] = score
      })
      return predicted
    }
    const scales = [1, 1000, 0.001].map((scale, i) => ({ node: `${i}`, predicted: scores(scale) }))
    const areas = (await selectEnsemble('roc_auc', truthOf(sides), 2, scales))!
    expect(areas.weights).toHaveLength(3)
    expect(areas.selectionMetric).toBeGreaterThan(areas.bestMember)
  })

  test('is not kept when it is no better where it counts', async () => {
    const random = seededRandom(3)
    const target = numbers(400, random)
    const good = { node: 'good', predicted: plus(target, random, 0.1) }
    const twin = { node: 'twin', predicted: good.predicted.slice() }
    const blend = await selectEnsemble('rmse', truthOf(target), 0, [good, twin])
    expect(blend?.isBetter).toBeFalse()
    expect(await selectEnsemble('rmse', truthOf(target), 0, [good])).toBeNull()
  })
})

test('a gain that other rows would not show is within the noise', async () => {
  const random = seededRandom(4)
  const target = numbers(300, random)
  const side = (predicted: Float64Array) => ({ truth: target, predicted, classes: 0, groups: null })
  const first = side(plus(target, random, 1))
  const alike = (await gainInterval('rmse', first, side(plus(target, random, 1)), 0))!
  expect(alike[0]).toBeLessThan(0)
  expect(alike[1]).toBeGreaterThan(0)
  const better = (await gainInterval('rmse', first, side(plus(target, random, 0.5)), 0))!
  expect(better[0]).toBeGreaterThan(0)
  expect(await gainInterval('pearson', first, side(new Float64Array(300)), 0)).toBeNull()
})

test('stored submissions are blended into one that the referee scores alike', async () => {
  const blobs = memoryBlobs()
  const put = async (path: string, rows: readonly (readonly string[])[]) => {
    const text = rows.map((row) => csvLine(row)).join('')
    return { path, ...(await blobs.put(new TextEncoder().encode(text))) }
  }
  const random = seededRandom(5)
  const task = taskOf({ kind: 'multiclass', metric: 'log_loss', maximize: false })
  const rows = Array.from({ length: 1900 }, (_, i) => [String(i), 'abc'[Math.floor(random() * 3)]!])
  const referee = createReferee({ blobs })
  const prepared = await referee.prepare([await put('train.csv', [['x', 'y'], ...rows])], task, 0)
  const truth = await readTruth((await blobs.get(prepared.truth.sha256))!)
  const submission = async (node: string) => {
    const lines = truth.ids.map((id, row) => {
      const raw = [0, 1, 2].map((c) =>
        Math.exp(2 * noise(random) + (truth.target[row] === c ? 1 : 0)),
      )
      const sum = raw.reduce((a, b) => a + b, 0)
      return [id, ...raw.map((value) => String(value / sum))]
    })
    const predictions = await put(`${node}.csv`, [prepared.submissionColumns, ...lines])
    return { node, predictions }
  }
  const stored = [await submission('a'), await submission('b'), await submission('c')]
  const broken = { node: 'broken', predictions: await put('x.csv', [['nothing']]) }
  const blend = (await blendStored(blobs, task, prepared, [...stored, broken]))!
  expect(blend.isBetter).toBeTrue()
  const judged = await referee.judge(task, prepared, blend.submission)
  expect(judged.problem).toBeNull()
  expect(judged.metric).toBeCloseTo(blend.metric, 9)
  expect(judged.selectionMetric).toBeCloseTo(blend.selectionMetric, 9)

  const [a, b] = stored
  const gain = await compareStored(blobs, task, prepared, a!.predictions, blend.submission)
  expect(gain?.isWithinNoise).toBeFalse()
  expect(gain?.gain).toBeGreaterThan(0)
  expect(await compareStored(blobs, task, prepared, b!.predictions, broken.predictions)).toBeNull()
})
