/** A prompt as it is searched for and kept: an instruction, and episodes that show how. */
import type { Tool } from '../../environment.ts'
import type { ChatMessage } from '../../gateway/trajectory.ts'
import type { Result } from '../../learning/evaluate.ts'
import type { Difference } from './finding.ts'

/** One whole episode: what the user says, calls, replies. */
export type Demonstration = readonly ChatMessage[]

export interface Prompt {
  readonly system: string
  readonly demonstrations: readonly Demonstration[]
}

/** `model/prompt-pack.json`. */
export interface PromptPack extends Prompt {
  readonly format: 1
  readonly scenario: { readonly id: string; readonly version: number }
  readonly tools: readonly { readonly type: 'function'; readonly function: Tool }[]
  /** By the name that its server knows it by. */
  readonly model: string
  /** Of one answer. */
  readonly maxTokens: number
  /** What it was chosen by, and what it is worth on episodes that chose nothing. */
  readonly validation: Result
  readonly test: Result
  /** The scenario's own instruction without demonstrations, on the same episodes. */
  readonly baseline: { readonly validation: Result; readonly test: Result }
  /** On test, in points of percent. */
  readonly difference: Difference
  /** What all that says, in a sentence. */
  readonly finding: string
}

export const promptPackPath = 'model/prompt-pack.json'

/** The same prompt has the same. */
export const digestOf = (prompt: Prompt): string =>
  new Bun.CryptoHasher('sha256')
    .update(JSON.stringify([prompt.system, prompt.demonstrations]))
    .digest('hex')
    .slice(0, 16)

/** What comes before an episode. Calls get ids of their own, as servers want them. */
export const before = ({ system, demonstrations }: Prompt): ChatMessage[] => [
  { role: 'system', content: system },
  ...demonstrations.flatMap((messages, i) => messages.map((one) => numbered(one, `demo${i}`))),
]

const numbered = (message: ChatMessage, prefix: string): ChatMessage => {
  const { tool_calls: calls, tool_call_id: id } = message as {
    readonly tool_calls?: readonly { readonly id: string }[]
    readonly tool_call_id?: string
  }
  return {
    ...message,
    ...(calls && { tool_calls: calls.map((call) => ({ ...call, id: `${prefix}_${call.id}` })) }),
    ...(id !== undefined && { tool_call_id: `${prefix}_${id}` }),
  }
}

/**
 * What a client asks, with the prompt before it. Its own copy of the scenario's instruction gives
 * way to the pack's.
 */
export const withPack = (
  pack: PromptPack,
  messages: readonly ChatMessage[],
  scenarioSystem: string | undefined,
): ChatMessage[] => [
  ...before(pack),
  ...messages.filter(({ role, content }) => role !== 'system' || content !== scenarioSystem),
]
