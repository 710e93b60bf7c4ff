/** Writes the model of a policy: its layers, the same as ONNX, and what it is. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scenario } from '../environment.ts'
import type { Result } from '../learning/evaluate.ts'
import { type Manifest, modelFolder, modelPaths } from '../models/manifest.ts'
import { onnxOf } from '../models/onnx.ts'
import type { PolicyFile, PolicyLayer } from '../models/policy-file.ts'
import { scenarioHash } from '../scenario-hash.ts'
import type { TrainingSettings } from './settings.ts'

export interface Left {
  readonly layers: readonly PolicyLayer[]
  readonly settings: TrainingSettings
  /** sha256 of the last state of the training. */
  readonly digest: string
  readonly episodes: number
  /** On the test split. */
  readonly test: Result
  readonly harness?: Manifest['harness']
}

export const policyOf = (
  { spec: { id, version, actions, observations } }: Scenario,
  layers: readonly PolicyLayer[],
): PolicyFile => ({ format: 1, scenario: { id, version }, actions, observations, layers })

/** Answers the files, by their paths in `folder`. */
export const leaveModel = (
  scenario: Scenario,
  folder: string,
  { layers, settings, digest, episodes, test, harness }: Left,
): readonly string[] => {
  const { id, version } = scenario.spec
  const policy = policyOf(scenario, layers)
  const manifest: Manifest = {
    format: 2,
    kind: 'policy',
    scenario: { id, version, hash: scenarioHash(scenario) },
    settings: { ...settings },
    trainingDigest: digest,
    episodes,
    test,
    ...(harness && { harness }),
  }
  const at = (path: string) => join(folder, path)
  mkdirSync(at(modelFolder), { recursive: true })
  writeFileSync(at(modelPaths.policy), JSON.stringify(policy))
  writeFileSync(at(modelPaths.onnx), onnxOf(policy, digest))
  writeFileSync(at(modelPaths.manifest), JSON.stringify(manifest))
  return Object.values(modelPaths)
}
