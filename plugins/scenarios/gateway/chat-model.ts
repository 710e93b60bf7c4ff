/** Who answers at a rollout's address: a policy in words, or a scripted player of the scenario. */
import { HearthError } from '../../../src/sdk.ts'
import type { Conversation, Heard } from '../environment.ts'
import { baselines } from '../learning/evaluate.ts'
import { choose } from '../models/choice.ts'
import { mixed, Random } from '../random.ts'
import { callCompletion, type ChatRequest, type Completion } from './completion.ts'
import type { Rollout } from './rollout.ts'

export interface Answer {
  readonly completion: Completion
  /** Log-probabilities, natural, of the tools it calls, where they were drawn. */
  readonly drawn?: Readonly<Record<string, number>>
}

export interface ChatModel {
  answer(request: ChatRequest, rollout: Rollout): Answer | Promise<Answer>
}

export interface Decision {
  readonly action: number
  /** Natural; absent: it was not drawn. */
  readonly logProbability?: number
}

/** Chooses by the observation; `mask`: 1 for what is possible. */
export type Decide = (
  observation: Float32Array,
  mask: Uint8Array,
  rollout: Rollout,
) => Decision | Promise<Decision>

/** Answers with one tool call, chosen by what the simulator shows and of what is offered. */
export const deciding = (decide: Decide): ChatModel => ({
  async answer(request, rollout) {
    const { scenario, conversation, observation, heard } = rollout
    const { actions } = scenario.spec
    const mask = offered(request, actions, rollout.mask)
    const { action, logProbability } = await decide(observation, mask, rollout)
    const name = actions[action] ?? ''
    const completion = callOf(request.model, conversation, heard, action, name)
    return {
      completion,
      ...(logProbability !== undefined && { drawn: { [name]: logProbability } }),
    }
  },
})

/** `[observations]` to `[actions]`. */
export type Logits = (observation: Float32Array) => Float32Array | Promise<Float32Array>

/** A trained policy: the likeliest action, or one drawn where the rollout wants that. */
export const policyModel = (logits: Logits): ChatModel =>
  deciding(async (observation, mask, { scenario, order, state }) => {
    const { actions } = scenario.spec
    const { action, probabilities } = choose(await logits(observation), mask, actions)
    if (order.sampleSeed === null) return { action }
    const random = new Random(mixed(order.sampleSeed, order.episode, state.chats))
    return drawnFrom(probabilities, random)
  })

const drawnFrom = (probabilities: readonly number[], random: Random): Required<Decision> => {
  let left = random.next()
  const open = [...probabilities.keys()].filter((action) => probabilities[action] !== 0)
  const found = open.find((action) => (left -= probabilities[action] ?? 0) < 0)
  const action = found ?? open.at(-1) ?? 0
  return { action, logProbability: Math.log(probabilities[action] ?? 1) }
}

export type ScriptedName = keyof typeof baselines

export const isScripted = (name: string): name is ScriptedName => Object.hasOwn(baselines, name)

/** The scenario's oracle, its heuristic, or dice. */
export const scriptedModel = (name: ScriptedName): ChatModel =>
  deciding((observation, _, { environment, order, state }) => ({
    action: baselines[name](
      observation,
      environment,
      new Random(mixed(order.sampleSeed ?? 0, order.episode, state.chats)),
    ),
  }))

/** 1 for each action that is possible and offered as a tool. @throws HearthError if none is */
export const offered = (
  { tools }: ChatRequest,
  actions: readonly string[],
  possible: Uint8Array | null,
): Uint8Array => {
  const names = tools && new Set(tools.map(({ function: { name } }) => name))
  const mask = Uint8Array.from(actions, (name, i) =>
    (possible?.[i] ?? 1) === 1 && (!names || names.has(name)) ? 1 : 0,
  )
  if (mask.includes(1)) return mask
  throw new HearthError('bad_request', 'None of the tools is one of the scenario')
}

/** The call that stands for an action. */
export const callOf = (
  model: string,
  conversation: Conversation,
  heard: Heard,
  action: number,
  name: string,
): Completion => callCompletion(model, name, conversation.argumentsOf(heard, action))
