/** What trainings of language models are told besides: which model, and how it is taught. */
import type { Static } from '@sinclair/typebox'
import { HearthError, Type as t } from '../../../../src/sdk.ts'
import type { AlgorithmName } from '../settings.ts'

const modelName = t.String({ minLength: 1, maxLength: 500, pattern: '^[^\\x00-\\x1f]+$' })

/** Fields of a request to start; which of them an algorithm takes: `taken`. */
export const languageFields = {
  /** A folder on the node, or a name that its transformers can load. */
  base_model: t.Optional(modelName),
  lora_rank: t.Optional(t.Integer({ minimum: 1, maximum: 256 })),
  /** Episodes that begin alike, and are compared. */
  group_size: t.Optional(t.Integer({ minimum: 2, maximum: 64 })),
  /** Of one answer. */
  max_tokens: t.Optional(t.Integer({ minimum: 1, maximum: 4096 })),
  /** Weight of the distance to the base. */
  kl: t.Optional(t.Number({ minimum: 0, maximum: 10 })),
  gpus: t.Optional(t.Integer({ minimum: 0, maximum: 1 })),
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

const taken: Readonly<Partial<Record<AlgorithmName, readonly (keyof Fields)[]>>> = {
  'llm-grpo': ['base_model', 'lora_rank', 'group_size', 'max_tokens', 'kl', 'gpus'],
}

/** undefined: the algorithm has none. @throws HearthError `validation` for what it does not take */
export const languageSettings = (
  algorithm: AlgorithmName,
  given: Fields,
): LanguageSettings | undefined => {
  const takes = taken[algorithm]
  const names = Object.keys(languageFields) as (keyof Fields)[]
  const stray = names.find((name) => given[name] !== undefined && !takes?.includes(name))
  if (stray) throw wrong(stray, `is nothing that ${algorithm} takes`)
  if (!takes) return undefined
  if (given.base_model === undefined) {
    throw wrong('base_model', `must say which model ${algorithm} begins with`)
  }
  return {
    baseModel: given.base_model,
    loraRank: given.lora_rank ?? 16,
    groupSize: given.group_size ?? 8,
    maxTokens: given.max_tokens ?? 256,
    kl: given.kl ?? 0,
    gpus: given.gpus ?? 0,
  }
}

/** Where nobody names a learning rate; undefined: as everywhere. */
export const usualRate = (algorithm: AlgorithmName): number | undefined =>
  algorithm === 'llm-grpo' ? 1e-4 : undefined

const wrong = (name: string, message: string): HearthError =>
  new HearthError('validation', `${name} ${message}`, {
    issues: [{ path: `body.${name}`, message }],
  })
