/** What trainings of language models are told besides: which model, and how it is taught. */
import type { Static } from '@sinclair/typebox'
import { HearthError, Type as t } from '../../../../src/sdk.ts'
import { minBudget } from '../prompt/search.ts'
import type { AlgorithmName, TrainingSettings } from '../settings.ts'

/** Every episode is paid for, and remembered. */
const maxBudget = 10_000

const modelName = t.String({ minLength: 1, maxLength: 500, pattern: '^[^\\x00-\\x1f]+$' })

/** Fields of a request to start; which of them an algorithm takes: `taken`. */
export const languageFields = {
  /** A folder on the node or a name that its transformers can load; or a model upstream. */
  base_model: t.Optional(modelName),
  lora_rank: t.Optional(t.Integer({ minimum: 1, maximum: 256 })),
  /** Episodes that begin alike, and are compared. */
  group_size: t.Optional(t.Integer({ minimum: 2, maximum: 64 })),
  /** Of one answer. */
  max_tokens: t.Optional(t.Integer({ minimum: 1, maximum: 4096 })),
  /** Weight of the distance to the base. */
  kl: t.Optional(t.Number({ minimum: 0, maximum: 10 })),
  gpus: t.Optional(t.Integer({ minimum: 0, maximum: 1 })),
  /** Improves the instruction from failures; left out: nobody does. */
  reflection_model: t.Optional(modelName),
}

type Fields = {
  readonly [Name in keyof typeof languageFields]?: Static<(typeof languageFields)[Name]>
}

export const languageSchema = t.Object(
  {
    baseModel: modelName,
    loraRank: t.Integer({ minimum: 1, maximum: 256 }),
    groupSize: t.Integer({ minimum: 2, maximum: 64 }),
    maxTokens: t.Integer({ minimum: 1, maximum: 4096 }),
    kl: t.Number({ minimum: 0, maximum: 10 }),
    gpus: t.Integer({ minimum: 0, maximum: 1 }),
  },
  { additionalProperties: false },
)

export type LanguageSettings = Static<typeof languageSchema>

export const promptSchema = t.Object(
  {
    model: modelName,
    maxTokens: t.Integer({ minimum: 1, maximum: 4096 }),
    reflectionModel: t.Union([modelName, t.Null()]),
  },
  { additionalProperties: false },
)

export type PromptSettings = Static<typeof promptSchema>

const taken: Readonly<Partial<Record<AlgorithmName, readonly (keyof Fields)[]>>> = {
  'torch-ppo': ['gpus'],
  'llm-grpo': ['base_model', 'lora_rank', 'group_size', 'max_tokens', 'kl', 'gpus'],
  'prompt-opt': ['base_model', 'max_tokens', 'reflection_model'],
}

/**
 * The part of the settings that only some algorithms have.
 * @throws HearthError `validation` for what the algorithm does not take, or lacks
 */
export const languageSettings = (
  algorithm: AlgorithmName,
  episodes: number,
  given: Fields,
): Pick<TrainingSettings, 'language' | 'prompt' | 'gpus'> => {
  const takes = taken[algorithm]
  const names = Object.keys(languageFields) as (keyof Fields)[]
  const stray = names.find((name) => given[name] !== undefined && !takes?.includes(name))
  if (stray) throw wrong(stray, `is nothing that ${algorithm} takes`)
  if (algorithm === 'torch-ppo') return given.gpus ? { gpus: given.gpus } : {}
  if (!takes) return {}
  const { base_model: model, max_tokens: maxTokens = 256 } = given
  if (model === undefined) throw wrong('base_model', `must say which model ${algorithm} is to take`)
  if (algorithm === 'prompt-opt') {
    if (episodes < minBudget || episodes > maxBudget) {
      const range = `from ${minBudget} to ${maxBudget}`
      throw wrong('max_episodes', `must be ${range} for ${algorithm}: each is asked of the model`)
    }
    return { prompt: { model, maxTokens, reflectionModel: given.reflection_model ?? null } }
  }
  const { lora_rank: loraRank = 16, group_size: groupSize = 8, kl = 0, gpus = 0 } = given
  return { language: { baseModel: model, loraRank, groupSize, maxTokens, kl, gpus } }
}

/** Where nobody names a learning rate; undefined: as everywhere. */
export const usualRate = (algorithm: AlgorithmName): number | undefined =>
  algorithm === 'llm-grpo' ? 1e-4 : undefined

const wrong = (name: string, message: string): HearthError =>
  new HearthError('validation', `${name} ${message}`, {
    issues: [{ path: `body.${name}`, message }],
  })
