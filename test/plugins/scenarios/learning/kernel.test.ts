/** The kernel against arithmetic written out in JavaScript, and its bytes against its source. */
import { expect, test } from 'bun:test'
import { Kernel, type Vector } from '../../../../plugins/scenarios/kernel/kernel.ts'
import { ActorCritic } from '../../../../plugins/scenarios/learning/actor-critic.ts'
import { Network, parameterCount } from '../../../../plugins/scenarios/learning/network.ts'
import { Random } from '../../../../plugins/scenarios/random.ts'
import { compileKernel } from '../../../../scripts/kernel.ts'

const filled = ({ data }: Vector, random: Random, scale = 1): void => {
  for (let i = 0; i < data.length; i++) data[i] = scale * random.normal()
}

const wasm = Bun.file(
  new URL('../../../../plugins/scenarios/kernel/kernel.wasm', import.meta.url).pathname,
)

test('its bytes are those of its source', async () => {
  expect(Buffer.from(await compileKernel()).equals(Buffer.from(await wasm.bytes()))).toBe(true)
})

// Whole blocks of rows and columns, and what is left over of both.
test.each([
  [1, 3, 4],
  [4, 8, 8],
  [7, 22, 12],
  [9, 5, 64],
])('%d rows from %d to %d: sums, tanh, and back', async (rows, n, m) => {
  const kernel = await Kernel.open(1 << 20)
  const random = new Random(rows)
  const take = (count: number) => kernel.take(count)
  const [x, w, b, y] = [take(rows * n), take(n * m), take(m), take(rows * m)]
  for (const one of [x, w, b]) filled(one, random, 0.5)
  kernel.run.forward(x.at, w.at, b.at, y.at, rows, n, m, 1)
  const wanted = Array.from({ length: rows * m }, (_, k) => {
    const [r, o] = [Math.floor(k / m), k % m]
    let sum = b.data[o] ?? 0
    for (let i = 0; i < n; i++) sum += (x.data[r * n + i] ?? 0) * (w.data[i * m + o] ?? 0)
    return Math.tanh(sum)
  })
  expect(largestGap(y.data, wanted)).toBeLessThan(2e-6)

  const [dz, dw, db, dx] = [take(rows * m), take(n * m), take(m), take(rows * n)]
  filled(dz, random)
  kernel.run.backWeights(x.at, dz.at, dw.at, db.at, rows, n, m)
  kernel.run.backInput(dz.at, w.at, dx.at, rows, n, m)
  const each = (count: number, of: (k: number) => number) =>
    Array.from({ length: count }, (_, k) => of(k))
  const sum = (count: number, of: (k: number) => number) =>
    each(count, of).reduce((total, one) => total + one, 0)
  const at = (vector: Vector, k: number) => vector.data[k] ?? 0
  const weights = each(n * m, (k) =>
    sum(rows, (r) => at(x, r * n + Math.floor(k / m)) * at(dz, r * m + (k % m))),
  )
  const biases = each(m, (o) => sum(rows, (r) => at(dz, r * m + o)))
  const inputs = each(rows * n, (k) =>
    sum(m, (o) => at(dz, Math.floor(k / n) * m + o) * at(w, (k % n) * m + o)),
  )
  expect(largestGap(dw.data, weights)).toBeLessThan(1e-5)
  expect(largestGap(db.data, biases)).toBeLessThan(1e-5)
  expect(largestGap(dx.data, inputs)).toBeLessThan(1e-5)
})

test('tanh is right on the whole line', async () => {
  const kernel = await Kernel.open(1 << 20)
  const count = 4096
  const [x, w, b, y] = [kernel.take(count), kernel.take(4), kernel.take(4), kernel.take(4 * count)]
  w.data[0] = 1
  for (let i = 0; i < count; i++) x.data[i] = (i - count / 2) / 100
  kernel.run.forward(x.at, w.at, b.at, y.at, count, 1, 4, 1)
  const found = Array.from({ length: count }, (_, i) => y.data[i * 4] ?? 0)
  const wanted = Array.from(x.data, (value) => Math.tanh(value))
  expect(largestGap(found, wanted)).toBeLessThan(5e-7)
})

test('gradients are those of central differences, for every block of parameters', async () => {
  const shape = { inputs: 5, hidden: [8, 8], outputs: 3 }
  const rows = 6
  const kernel = await Kernel.open(1 << 20)
  const random = new Random(3)
  const count = parameterCount(shape)
  const [parameters, gradients] = [kernel.take(count), kernel.take(count)]
  const network = new Network(kernel, shape, rows, parameters, gradients)
  network.initialise(random, 1)
  const x = kernel.take(rows * shape.inputs)
  filled(x, random)
  // The loss: half the sum of squares of what comes out.
  const loss = (): number =>
    network.forward(x.at, rows).reduce((sum, value) => sum + 0.5 * value * value, 0)
  loss()
  network.outputDelta.set(network.output)
  network.backward(x.at, rows)
  const step = 1e-2
  for (let k = 0; k < count; k += 7) {
    const before = parameters.data[k] ?? 0
    parameters.data[k] = before + step
    const above = loss()
    parameters.data[k] = before - step
    const below = loss()
    parameters.data[k] = before
    const slope = (above - below) / (2 * step)
    expect(Math.abs(slope - (gradients.data[k] ?? 0))).toBeLessThan(2e-2 * (1 + Math.abs(slope)))
  }
})

test('Adam goes the way of its paper, a hundred steps long', async () => {
  const shape = { observations: 3, actions: 2, hidden: [4] }
  const model = await ActorCritic.make(shape, [2], 64)
  model.initialise(new Random(1))
  const { policy } = model.networks(2)
  const x = model.kernel.take(6)
  filled(x, new Random(2))
  const wanted = [...model.state.parameters]
  const [m, v] = [wanted.map(() => 0), wanted.map(() => 0)]
  for (let t = 1; t <= 100; t++) {
    policy.forward(x.at, 2)
    policy.outputDelta.set(policy.output)
    policy.backward(x.at, 2)
    const gradient = model.gradients.slice()
    const norm = Math.hypot(...gradient)
    const scale = Math.min(1, 0.5 / (norm + 1e-6))
    for (const [k, g] of gradient.entries()) {
      m[k] = 0.9 * (m[k] ?? 0) + 0.1 * g * scale
      v[k] = 0.999 * (v[k] ?? 0) + 0.001 * (g * scale) ** 2
      const down = Math.sqrt((v[k] ?? 0) / (1 - 0.999 ** t)) + 1e-5
      wanted[k] = (wanted[k] ?? 0) - (0.01 * (m[k] ?? 0)) / (1 - 0.9 ** t) / down
    }
    model.descend({ learningRate: 0.01, maxNorm: 0.5 })
  }
  expect(largestGap(model.state.parameters, wanted)).toBeLessThan(1e-4)
})

const largestGap = (found: ArrayLike<number>, wanted: ArrayLike<number>): number => {
  let gap = 0
  for (let i = 0; i < wanted.length; i++) {
    gap = Math.max(gap, Math.abs((found[i] ?? Number.NaN) - (wanted[i] ?? 0)))
    if (Number.isNaN(found[i])) return Number.NaN
  }
  return gap
}
