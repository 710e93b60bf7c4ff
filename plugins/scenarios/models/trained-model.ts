/** Takes in what the job of a training left, when it left a whole model. */
import { Value } from '@sinclair/typebox/value'
import { HearthError, type JobView, type Jobs, type Who } from '../../../src/sdk.ts'
import type { Model } from './model-rows.ts'
import {
  type Manifest,
  manifestSchema,
  modelFolder,
  modelPaths,
  type ModelKind,
} from './manifest.ts'
import type { Registry } from './registry.ts'
import type { Session } from '../sessions/session.ts'
import { percent, withInterval } from '../training/evaluation.ts'

const maxManifestBytes = 2 ** 20

/** Without these a model of the kind is none. */
const parts: Readonly<Record<ModelKind, readonly string[]>> = {
  policy: [modelPaths.policy, modelPaths.onnx],
  adapter: ['model/adapter/adapter_config.json', 'model/adapter/adapter_model.safetensors'],
  prompt: ['model/prompt-pack.json'],
}

/**
 * Once for each session; null: there is no manifest.
 * @throws HearthError `validation` the manifest is none, or parts are missing
 */
export const takeModel = async (
  { registry, jobs }: { readonly registry: Registry; readonly jobs: Jobs },
  owner: Who,
  session: Session,
  job: JobView,
): Promise<Model | null> => {
  const known = await registry.ofSession(session.id)
  if (known) return known
  const left = (await jobs.bytes.artifacts(owner, job.id)).filter(
    ({ path, kind }) => kind === 'artifact' && path.startsWith(modelFolder),
  )
  const described = left.find(({ path }) => path === modelPaths.manifest)
  if (!described) return null
  if (described.size > maxManifestBytes) throw invalid('is too long')
  const open = (path: string) => jobs.bytes.artifact(owner, job.id, path)
  const manifest = manifestIn(await new Response(await open(modelPaths.manifest)).text())
  const missing = parts[manifest.kind].find((path) => !left.some((one) => one.path === path))
  if (missing !== undefined) throw invalid(`tells of ${missing}, which is not there`)
  const { scenario, settings, episodes, harness } = manifest
  const test = harness?.test ?? manifest.test
  return registry.register(owner, {
    id: `model_${session.n}_${session.id.split('_').at(-1)}`,
    sessionId: session.id,
    name: `${scenario.id} ${session.settings.algorithm}`,
    kind: manifest.kind,
    scenario,
    framework: session.framework,
    accuracy: percent(test.successes, test.episodes),
    episodes,
    test: { ...withInterval(test), ...(harness && { native: withInterval(manifest.test) }) },
    lineage: {
      scenario,
      settings,
      trainingDigest: manifest.trainingDigest,
      sessionId: session.id,
      jobId: job.id,
      ...(job.run_id !== null && { runId: job.run_id }),
      ...(manifest.base !== undefined && { base: manifest.base }),
    },
    files: left.map(({ path }) => ({ path, open: () => open(path) })),
  })
}

const manifestIn = (text: string): Manifest => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalid('is no JSON')
  }
  if (Value.Check(manifestSchema, value)) return value
  const problem = Value.Errors(manifestSchema, value).First()
  throw invalid(`has ${problem?.path || 'its whole'}: ${problem?.message ?? 'wrong'}`)
}

const invalid = (what: string): HearthError =>
  new HearthError('validation', `The manifest of the model ${what}`)
