/** A language model on a port that answers tickets as its prompt shows them, and else gives up. */

interface Message {
  readonly role: string
  readonly content?: string | null
  readonly tool_calls?: readonly { readonly function: { readonly name: string } }[] | null
}

export interface Asked {
  readonly authorization: string | null
  readonly body: { readonly model: string; readonly messages: readonly Message[] }
}

export const startCopyingModel = () => {
  const asked: Asked[] = []
  /** Answered instead, while it is set. */
  const instead: { status?: number } = {}
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    routes: {
      '/v1/chat/completions': {
        async POST(request) {
          const authorization = request.headers.get('authorization')
          const body = (await request.json()) as Asked['body']
          asked.push({ authorization, body })
          if (instead.status !== undefined) {
            const error = { message: `No: ${authorization}` }
            return Response.json({ error }, { status: instead.status })
          }
          return completion(body.messages)
        },
      },
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    asked,
    instead,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

const ticket = /^Ticket (\S+): (.*)$/s

/** The calls of each episode, by what its customer says. */
const episodesIn = (messages: readonly Message[]) => {
  const episodes: { id: string; said: string; calls: string[] }[] = []
  for (const { role, content, tool_calls: calls } of messages) {
    const [, id = '', said = ''] = (role === 'user' && ticket.exec(content ?? '')) || []
    if (id !== '') episodes.push({ id, said, calls: [] })
    for (const call of calls ?? []) episodes.at(-1)?.calls.push(call.function.name)
  }
  return episodes
}

const completion = (messages: readonly Message[]): Response => {
  const episodes = episodesIn(messages)
  const now = episodes.pop()
  const shown = episodes.find(({ said }) => said === now?.said)
  const name = shown?.calls[now?.calls.length ?? 0] ?? 'update_ticket'
  const given = JSON.stringify({ ticket_id: now?.id ?? '' })
  const call = { id: `call_${now?.calls.length}`, type: 'function' }
  return Response.json({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 0,
    model: 'copying',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: null,
          tool_calls: [{ ...call, function: { name, arguments: given } }],
        },
        finish_reason: 'tool_calls',
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  })
}
