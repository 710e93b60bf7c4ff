/** Reads what was said in an episode out of messages of a chat. */
import type { Heard } from './environment.ts'

export interface Message {
  readonly role: string
  readonly content?: string | readonly { readonly text?: string }[] | null
  readonly tool_call_id?: string
  readonly tool_calls?:
    | readonly {
        readonly id: string
        readonly function: { readonly name: string; readonly arguments: string }
      }[]
    | null
}

/** null: no user has said anything. Calls without an answer have not happened yet. */
export const heardIn = (messages: readonly Message[]): Heard | null => {
  const first = messages.find(({ role }) => role === 'user')
  if (!first) return null
  const replies = new Map(
    messages.flatMap((one) =>
      one.role === 'tool' && one.tool_call_id !== undefined
        ? [[one.tool_call_id, textOf(one)] as const]
        : [],
    ),
  )
  const calls = messages
    .flatMap(({ tool_calls }) => tool_calls ?? [])
    .flatMap(({ id, function: { name } }) => {
      const reply = replies.get(id)
      return reply === undefined ? [] : [{ name, reply }]
    })
  return { opening: unframed(textOf(first)).trim(), calls }
}

/** CrewAI puts the words of the user between some of its own. */
const unframed = (text: string): string =>
  /^\s*Current Task: (.*?)\n\s*This is the expected criteria for your final answer:/s.exec(
    text,
  )?.[1] ?? text

const textOf = ({ content }: Message): string => {
  if (typeof content === 'string') return content
  return (content ?? []).map(({ text }) => text ?? '').join('')
}
