/** A language model that says what it is told to: the chat completions of OpenAI, on a port. */

export interface Asked {
  /** Counted from 0, those that want a program and those that want a review each for themselves. */
  readonly index: number
  /** All messages, joined. */
  readonly prompt: string
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Headers
}

/** What is said: a text, what is handed to the tool, or any answer at all. */
export type Said = { readonly text: string } | { readonly tool: object } | Response

export interface ModelScript {
  program(asked: Asked): Said | Promise<Said>
  /** By default the number that the program printed last, as a reader would find it. */
  review?(asked: Asked): Said | Promise<Said>
}

export interface ModelServer extends AsyncDisposable {
  /** For OPENAI_BASE_URL. */
  readonly url: string
  readonly asked: { readonly programs: Asked[]; readonly reviews: Asked[] }
}

export const startModelServer = (script: ModelScript): ModelServer => {
  const asked: ModelServer['asked'] = { programs: [], reviews: [] }
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    routes: {
      '/v1/models': () => Response.json({ object: 'list', data: [{ id: 'scripted' }] }),
      '/v1/chat/completions': {
        async POST(request) {
          const body = (await request.json()) as Readonly<Record<string, unknown>>
          const isReview = body['tools'] !== undefined || /submit_review|is_bug/.test(textOf(body))
          const list = isReview ? asked.reviews : asked.programs
          const one = { index: list.length, prompt: textOf(body), body, headers: request.headers }
          list.push(one)
          const said = isReview
            ? await (script.review ?? honestReview)(one)
            : await script.program(one)
          return said instanceof Response ? said : completion(said)
        },
      },
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    asked,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

const textOf = ({ messages }: Readonly<Record<string, unknown>>): string =>
  (messages as { content: string | { text?: string }[] | null }[])
    .map(({ content }) =>
      typeof content === 'string' ? content : (content ?? []).map(({ text }) => text ?? '').join(),
    )
    .join('\n')

export const programSaid = (code: string, plan = 'A plan.'): Said => ({
  text: `${plan}\n\n\`\`\`python\n${code}\n\`\`\`\n`,
})

/** Reads the last `metric NUMBER` out of what was printed; without one it is a bug. */
export const honestReview = ({ prompt }: Asked): Said => {
  const printed = [...prompt.matchAll(/metric:? (-?[\d.]+(?:e-?\d+)?)/g)].at(-1)?.[1]
  return {
    tool: {
      is_bug: printed === undefined,
      summary: printed === undefined ? 'It printed no metric.' : `It scored ${printed}.`,
      metric: printed === undefined ? null : Number(printed),
      lower_is_better: false,
    },
  }
}

const completion = (said: Exclude<Said, Response>): Response => {
  const isTool = 'tool' in said
  const message = isTool
    ? {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: 'call_1',
            type: 'function',
            function: { name: 'submit_review', arguments: JSON.stringify(said.tool) },
          },
        ],
      }
    : { role: 'assistant', content: said.text }
  return Response.json({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 0,
    model: 'scripted',
    choices: [{ index: 0, message, finish_reason: isTool ? 'tool_calls' : 'stop' }],
    usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 },
  })
}
