/** One episode that a language model plays with a prompt. */
import { type Scenario, seedOf, type Split } from '../../environment.ts'
import type { AnswerMessage } from '../../gateway/completion.ts'
import { Rollout } from '../../gateway/rollout.ts'
import type { ChatMessage } from '../../gateway/trajectory.ts'
import type { Ask } from './ask.ts'
import { before, type Demonstration, type Prompt } from './pack.ts'

export interface Played {
  readonly success: boolean
  readonly reward: number
  readonly task: string
  readonly steps: number
  /** Without the prompt. */
  readonly messages: Demonstration
  /** Why it was no success, for whoever reads. */
  readonly why: string
}

export interface PlayOptions {
  readonly scenario: Scenario
  readonly model: string
  readonly maxTokens: number
  readonly ask: Ask
}

/** Answers beyond the steps: for calls that stand for none. */
const spareTurns = 4

export const playPrompt = async (
  { scenario, model, maxTokens, ask }: PlayOptions,
  prompt: Prompt,
  split: Split,
  episode: number,
): Promise<Played> => {
  const order = { id: `${split}${episode}`, split, episode, model, sampleSeed: null }
  const rollout = Rollout.begin(scenario, order)
  const tools = toolsOf(scenario)
  const messages: ChatMessage[] = [{ role: 'user', content: rollout.heard.opening }]
  try {
    const maxTurns = scenario.spec.maxSteps + spareTurns
    for (let turn = 0; turn < maxTurns && !rollout.isOver; turn++) {
      const { choices } = await ask({
        model,
        messages: [...before(prompt), ...messages],
        tools,
        temperature: 0,
        max_tokens: maxTokens,
      } as Parameters<Ask>[0])
      const said = choices[0]?.message
      if (said) messages.push(plain(said), ...replies(rollout, said))
    }
    const { success, reward, steps, verdict, reason } = rollout.end()
    const parts = Object.entries(verdict.components).map(([name, value]) => `${name} ${value}`)
    const why = [reason, ...verdict.violations, ...parts].filter(Boolean).join('; ')
    const { task } = rollout.trajectory
    return { success, reward, task, steps, messages, why }
  } finally {
    rollout.close()
  }
}

export const toolsOf = ({ conversation }: Scenario) =>
  (conversation?.tools ?? []).map((tool) => ({ type: 'function' as const, function: tool }))

const plain = ({ content = null, tool_calls: calls }: AnswerMessage): ChatMessage => ({
  role: 'assistant',
  content,
  ...(calls && calls.length > 0 && { tool_calls: calls }),
})

const replies = (rollout: Rollout, { tool_calls: calls }: AnswerMessage): ChatMessage[] => {
  if (!calls || calls.length === 0) return [{ role: 'user', content: 'Call one of the tools.' }]
  return calls.map(({ id, function: { name, arguments: text } }) => {
    const given = argumentsIn(text)
    const content = given ? rollout.call(name, given).content : 'The arguments are no JSON object.'
    return { role: 'tool', tool_call_id: id, content }
  })
}

const argumentsIn = (text: string): Record<string, unknown> | null => {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What the scenario's oracle does, as a model would have said it; null: it fails. */
export const oracleDemonstration = (
  scenario: Scenario,
  episode: number,
): { readonly task: string; readonly messages: Demonstration } | null => {
  const { conversation, spec } = scenario
  if (!conversation) return null
  const environment = scenario.make()
  const seen = new Float32Array(spec.observations)
  environment.reset(seedOf('train', episode), seen)
  const opening = conversation.opening(environment)
  const messages: ChatMessage[] = [{ role: 'user', content: opening }]
  const calls: { name: string; reply: string }[] = []
  for (let isOver = false; !isOver;) {
    const action = environment.oracle()
    const name = spec.actions[action] ?? ''
    const given = conversation.argumentsOf({ opening, calls }, action)
    const id = `call_${calls.length}`
    const call = { id, type: 'function', function: { name, arguments: JSON.stringify(given) } }
    const { terminated, truncated } = environment.step(action, seen)
    const reply = conversation.reply(environment)
    calls.push({ name, reply })
    messages.push({ role: 'assistant', content: null, tool_calls: [call] })
    messages.push({ role: 'tool', tool_call_id: id, content: reply })
    isOver = terminated || truncated
  }
  const { success } = environment.verdict()
  environment.close?.()
  return success ? { task: spec.tasks[environment.task] ?? '', messages } : null
}
