/** Asks a language model for a better instruction, from episodes that went wrong (as GEPA does). */
import type { ChatRequest } from '../../gateway/completion.ts'
import type { ChatMessage } from '../../gateway/trajectory.ts'
import type { Ask } from './ask.ts'
import type { Played } from './play.ts'

const shownFailures = 4
const maxTranscriptChars = 4_000
const maxInstructionChars = 20_000

/** The new instruction; the old one where nothing of use was said. */
export const reflect = async (
  ask: Ask,
  model: string,
  instruction: string,
  failures: readonly Played[],
): Promise<string> => {
  const request = {
    model,
    messages: [{ role: 'user', content: questionOf(instruction, failures) }],
  }
  const { choices } = await ask(request as ChatRequest)
  return instructionIn(choices[0]?.message.content ?? '') ?? instruction
}

export const questionOf = (instruction: string, failures: readonly Played[]): string =>
  [
    'An assistant that calls tools was given this instruction:',
    `<instruction>\n${instruction}\n</instruction>`,
    'These episodes went wrong:',
    ...failures
      .slice(0, shownFailures)
      .map(
        ({ messages, why }) => `<episode>\n${transcript(messages)}\nJudgement: ${why}\n</episode>`,
      ),
    'Find out what the assistant did not know or did wrong, in general and not of these episodes ' +
      'alone. Then write the whole instruction anew, so that it would do right. Keep what is ' +
      'right. Answer with the new instruction between <instruction> and </instruction>.',
  ].join('\n\n')

const transcript = (messages: readonly ChatMessage[]): string =>
  messages
    .map(({ role, content, tool_calls: calls }) =>
      [`${role}:`, content, calls && JSON.stringify(calls)].filter(Boolean).join(' '),
    )
    .join('\n')
    .slice(0, maxTranscriptChars)

const instructionIn = (text: string): string | null => {
  const found = /<instruction>([\s\S]*?)<\/instruction>/.exec(text)?.[1]?.trim()
  return found ? found.slice(0, maxInstructionChars) : null
}
