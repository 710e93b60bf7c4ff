/** Policies of random weights and the models made of them, for tests of serving. */
import { Catalogue, scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import scenarios from '../../../../plugins/scenarios/index.ts'
import { modelPaths } from '../../../../plugins/scenarios/models/manifest.ts'
import { onnxOf } from '../../../../plugins/scenarios/models/onnx.ts'
import { layerOf, type PolicyFile } from '../../../../plugins/scenarios/models/policy-file.ts'
import { Random } from '../../../../plugins/scenarios/random.ts'
import { Registry } from '../../../../plugins/scenarios/models/registry.ts'
import {
  ServedModels,
  type ServedModelsOptions,
} from '../../../../plugins/scenarios/serving/served.ts'
import { silentLogger } from '../../../../src/kernel/log.ts'
import type { Who } from '../../../../src/sdk.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'
import { migrate } from '../../../../src/storage/migrate.ts'
import { openDatabase } from '../../../../src/storage/open.ts'
import { fakeClock } from '../../../../src/testing.ts'

export const ada: Who = { id: 1, username: 'ada', isSuperuser: false, via: 'key' }

const width = 6
const actions = ['left', 'stay', 'right', 'up']

export const rowsOf = (count: number, seed = 7): number[][] => {
  const random = new Random(seed)
  return Array.from({ length: count }, () =>
    Array.from({ length: width }, () => Math.fround(4 * random.next() - 2)),
  )
}

export const policyFile = (seed: number): PolicyFile => {
  const random = new Random(seed)
  const floats = (length: number) => Float32Array.from({ length }, () => 2 * random.next() - 1)
  const layer = (inputs: number, outputs: number) =>
    layerOf(
      Array.from({ length: inputs }, () => floats(outputs)),
      floats(outputs),
    )
  return {
    format: 1,
    actions,
    observations: width,
    layers: [layer(width, 16), layer(16, 16), layer(16, actions.length)],
    scenario: { id: 'nowhere', version: 1 },
  } as Partial<PolicyFile> as PolicyFile
}

/** One that fits a scenario, and its file. */
export const networkFor = (scenario: string, seed = 5) => {
  const spec = scenarioOf(scenario)?.spec
  if (!spec) throw new Error(`There is no ${scenario}`)
  const random = new Random(seed)
  const floats = (length: number) => Float32Array.from({ length }, () => 2 * random.next() - 1)
  const { length } = spec.actions
  const rows = Array.from({ length: spec.observations }, () => floats(length))
  const { id, version, actions, observations } = spec
  const file: PolicyFile = {
    ...policyFile(seed),
    actions,
    observations,
    layers: [layerOf(rows, floats(length))],
    scenario: { ...policyFile(seed).scenario, id, version },
  }
  return { file, onnx: onnxOf(file, 'digest') }
}

export const openRegistry = async () => {
  const db = await openDatabase({ dataDir: ':memory:' })
  await migrate(db, [{ plugin: 'scenarios', migrations: scenarios.migrations ?? [] }])
  const blobs = memoryBlobs()
  const registry = new Registry({ db, blobs, clock: fakeClock() })
  const register = (files: Readonly<Record<string, Uint8Array | string>>) =>
    registry.register(ada, {
      name: 'network',
      kind: 'policy',
      scenario: { id: 'nowhere', version: 1 },
      framework: 'Native',
      accuracy: 0,
      episodes: 0,
      test: {},
      lineage: {},
      files: Object.entries(files).map(([path, content]) => ({
        path,
        open: async () => new Blob([content as Uint8Array<ArrayBuffer>]).stream(),
      })),
    })
  return {
    blobs,
    registry,
    register,
    ofSeed(seed: number) {
      const file = policyFile(seed)
      return register({
        [modelPaths.policy]: JSON.stringify(file),
        [modelPaths.onnx]: onnxOf(file, 'digest'),
      })
    },
    serving: (options: Partial<ServedModelsOptions> = {}) =>
      new ServedModels({
        registry,
        catalogue: { find: () => undefined } as Partial<Catalogue> as Catalogue,
        log: silentLogger,
        ...options,
      }),
  }
}
