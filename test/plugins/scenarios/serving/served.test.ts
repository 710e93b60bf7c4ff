/** Models served by onnxruntime: in batches as alone, broken ones refused, without it as well. */
import { expect, test } from 'bun:test'
import { modelPaths } from '../../../../plugins/scenarios/models/manifest.ts'
import { onnxOf } from '../../../../plugins/scenarios/models/onnx.ts'
import { Policy } from '../../../../plugins/scenarios/models/policy.ts'
import { openRuntime } from '../../../../plugins/scenarios/serving/onnx-runtime.ts'
import type { Logger } from '../../../../src/sdk.ts'
import { ada, openRegistry, policyFile, rowsOf } from './networks.ts'

/** The real runtime, with every run and every network given back counted. */
const counting = () => {
  const runs: number[] = []
  let released = 0
  const open = async () => {
    const runtime = await openRuntime()
    return {
      ...runtime,
      async load(onnx: Uint8Array) {
        const network = await runtime.load(onnx)
        return {
          ...network,
          run(observations: Float32Array, rows: number) {
            runs.push(rows)
            return network.run(observations, rows)
          },
          release() {
            released++
            return network.release()
          },
        }
      },
    }
  }
  return { open, runs, released: () => released }
}

test('many who ask at once are answered by few runs, as if each were alone', async () => {
  const { ofSeed, serving } = await openRegistry()
  const { open, runs } = counting()
  const served = await serving({ open }).of(await ofSeed(1))
  const rows = rowsOf(2500)
  const together = await Promise.all(rows.map((row) => served.logits(row)))
  expect(runs).toEqual([1024, 1024, 452])
  const policy = new Policy(policyFile(1))
  for (const [n, row] of rows.slice(0, 200).entries()) {
    const alone = await served.logits(row)
    for (const [j, own] of policy.logits(row).entries()) {
      expect(Math.abs((together[n]?.[j] ?? Number.NaN) - (alone[j] ?? 0))).toBeLessThan(1e-6)
      expect(Math.abs((together[n]?.[j] ?? Number.NaN) - own)).toBeLessThan(1e-4)
    }
  }
})

test('a network alone is served: whatever it is called, nobody told of its actions', async () => {
  const { register, serving } = await openRegistry()
  const onnx = onnxOf(policyFile(2), 'digest')
  const served = await serving().of(await register({ 'brought/net.onnx': onnx }))
  const [row = []] = rowsOf(1)
  const logits = await served.logits(row)
  expect({ actions: served.actions, width: served.width }).toEqual({ actions: [], width: 6 })
  for (const [j, own] of new Policy(policyFile(2)).logits(row).entries()) {
    expect(Math.abs((logits[j] ?? Number.NaN) - own)).toBeLessThan(1e-4)
  }
})

const good = onnxOf(policyFile(3), 'digest')
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const renamed = (from: string, to: string) => Buffer.from(text(good).replaceAll(from, to), 'latin1')
const infinite = onnxOf(
  {
    ...policyFile(3),
    layers: policyFile(3).layers.map((layer) => ({
      ...layer,
      bias: Buffer.from(new Float32Array(layer.outputs).fill(Infinity).buffer).toString('base64'),
    })),
  },
  'digest',
)

test.each([
  ['no network', new TextEncoder().encode('not a network at all'), 'cannot be used'],
  ['half a network', good.slice(0, good.length / 2), 'cannot be used'],
  ['nothing', new Uint8Array(), 'cannot be used'],
  ['other inputs', renamed('observation', 'observatory'), 'observatory, not observation alone'],
  ['other outputs', renamed('logits', 'logics'), 'no output logits'],
  ['files beside', Buffer.concat([good, Buffer.from('\n\x08location')]), 'refers to files'],
  ['no numbers', infinite, 'is no number'],
])('%s is refused in words, and the next is served', async (_, onnx, why) => {
  const { register, ofSeed, serving } = await openRegistry()
  const models = serving()
  const asked = async () =>
    (await models.of(await register({ [modelPaths.onnx]: onnx }))).logits([1, 1, 1, 1, 1, 1])
  await expect(asked()).rejects.toThrow(why)
  await expect(asked()).rejects.toMatchObject({ code: 'conflict' })
  const served = await models.of(await ofSeed(1))
  expect(await served.logits([1, 1, 1, 1, 1, 1])).toHaveLength(4)
})

test('what is longer or shorter than it sees is refused, and disturbs nobody', async () => {
  const { ofSeed, serving } = await openRegistry()
  const served = await serving().of(await ofSeed(1))
  const [row = []] = rowsOf(1)
  const [sound, long, short] = await Promise.allSettled([
    served.logits(row),
    served.logits([...row, 0]),
    served.logits(row.slice(1)),
  ])
  const refused = (shown: number) => ({
    code: 'conflict',
    message: `The model sees 6 numbers, and ${shown} are shown to it`,
  })
  expect({ sound, long, short }).toMatchObject({
    sound: { status: 'fulfilled', value: await served.logits(row) },
    long: { status: 'rejected', reason: refused(7) },
    short: { status: 'rejected', reason: refused(5) },
  } as never)
})

test('what is neither network nor policy does not act', async () => {
  const { register, registry, serving } = await openRegistry()
  const model = await register({ 'model/notes.txt': 'no network' })
  await expect(serving().of(model)).rejects.toThrow('The model has no ONNX file')
  const adapter = { ...(await registry.get(ada, model.id)), kind: 'adapter' } as const
  await expect(serving().of(adapter)).rejects.toThrow('kind adapter does not act by numbers')
})

test('the least used is put aside when its last answer is given, the deleted at once', async () => {
  const { ofSeed, registry, serving } = await openRegistry()
  const { open, released } = counting()
  const models = serving({ open, kept: 2 })
  const [one, two, three] = [await ofSeed(1), await ofSeed(2), await ofSeed(3)]
  const [row = []] = rowsOf(1)
  const first = await models.of(one)
  const asked = first.logits(row)
  await models.of(two)
  await models.of(three)
  expect(await asked).toHaveLength(4)
  expect(released()).toBe(1)
  await expect(first.logits(row)).rejects.toMatchObject({ code: 'unavailable' })
  expect(await (await models.of(one)).logits(row)).toEqual(await asked)
  await registry.remove(ada, three.id)
  await expect(registry.acting(ada, three.id)).rejects.toThrow('Model not found')
  models.close()
  await (await models.of(one)).logits(row)
  expect(released()).toBe(4)
})

test('without the library policies act all the same, and it is said once', async () => {
  const { ofSeed, register, serving } = await openRegistry()
  const said: string[] = []
  const log = { debug() {}, warn: (note: string) => said.push(note) } as Partial<Logger> as Logger
  const open = async () => {
    throw new Error('libonnxruntime.so.1: cannot open shared object file')
  }
  const models = serving({ open, log })
  const [row = []] = rowsOf(1)
  for (const seed of [1, 2]) {
    const served = await models.of(await ofSeed(seed))
    expect(await served.logits(row)).toEqual(new Policy(policyFile(seed)).logits(row))
  }
  const alone = await register({ [modelPaths.onnx]: good })
  await expect(models.of(alone)).rejects.toMatchObject({ code: 'unavailable' })
  expect(said).toEqual(['onnxruntime cannot be loaded: policies are computed by the server itself'])
})
