/** Language models that say what they are told to, each in its provider's own protocol. */

export interface Asked {
  readonly protocol: 'openai' | 'anthropic' | 'gemini'
  readonly path: string
  readonly headers: Headers
  readonly model: string
  readonly prompt: string
  /** The tool that has to be used; null: none is offered. */
  readonly tool: string | null
  readonly temperature: number | null
  /** As it came. */
  readonly body: Readonly<Record<string, unknown>>
}

/** What a model says: words, the use of a tool, or any answer at all. */
export type Said =
  | { readonly text: string; readonly withoutUsage?: true }
  | { readonly tool: string; readonly input: unknown }
  | Response

export interface ModelServer extends AsyncDisposable {
  /** Without a path. */
  readonly origin: string
  /** By the names that a deployment sets; each key is one of a kind. */
  readonly env: Readonly<Record<string, string>>
  readonly asked: readonly Asked[]
}

export const keys = {
  openai: 'sk-proj-openai-0123456789',
  anthropic: 'sk-ant-anthropic-0123456789',
  gemini: 'AIzaGemini0123456789',
  openrouter: 'sk-or-openrouter-0123456789',
} as const

/** `say` is asked for the k-th request, counted from 0. */
export const startModelServer = (
  say: (asked: Asked, index: number) => Said | Promise<Said>,
): ModelServer => {
  const all: Asked[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const asked = await askedBy(request)
      all.push(asked)
      const said = await say(asked, all.length - 1)
      if (said instanceof Response) return said
      return Response.json({ openai, anthropic, gemini }[asked.protocol](said))
    },
  })
  const origin = `http://127.0.0.1:${server.port}`
  return {
    origin,
    asked: all,
    env: {
      OPENAI_BASE_URL: `${origin}/v1`,
      OPENAI_API_KEY: keys.openai,
      ANTHROPIC_BASE_URL: `${origin}/anthropic/v1`,
      ANTHROPIC_API_KEY: keys.anthropic,
      GEMINI_BASE_URL: `${origin}/v1beta`,
      GEMINI_API_KEY: keys.gemini,
      OPENROUTER_BASE_URL: `${origin}/router/v1`,
      OPENROUTER_API_KEY: keys.openrouter,
      OLLAMA_HOST: `${origin}/ollama/`,
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

const askedBy = async (request: Request): Promise<Asked> => {
  const path = new URL(request.url).pathname
  const body = (await request.json()) as Readonly<Record<string, never>>
  const common = { path, headers: request.headers, body }
  if (path.endsWith('/messages')) {
    return {
      ...common,
      protocol: 'anthropic',
      model: body['model']!,
      prompt: JSON.stringify(body['messages']),
      tool: body['tool_choice']?.['name'] ?? null,
      temperature: body['temperature'] ?? null,
    }
  }
  if (path.endsWith(':generateContent')) {
    return {
      ...common,
      protocol: 'gemini',
      model: /models\/(.*):/.exec(path)?.[1] ?? '',
      prompt: JSON.stringify(body['contents']),
      tool: body['toolConfig']?.['functionCallingConfig']?.['allowedFunctionNames']?.[0] ?? null,
      temperature: body['generationConfig']?.['temperature'] ?? null,
    }
  }
  return {
    ...common,
    protocol: 'openai',
    model: body['model']!,
    prompt: JSON.stringify(body['messages']),
    tool: body['tool_choice']?.['function']?.['name'] ?? null,
    temperature: body['temperature'] ?? null,
  }
}

type Words = Exclude<Said, Response>

/** Chat completions: OpenAI's, OpenRouter's, and those of Ollama and every other server. */
const openai = (said: Words) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 0,
  model: 'scripted',
  choices: [
    'tool' in said
      ? {
          index: 0,
          finish_reason: 'tool_calls',
          message: {
            role: 'assistant',
            content: null,
            tool_calls: [
              {
                id: 'call_1',
                type: 'function',
                function: { name: said.tool, arguments: argumentsOf(said.input) },
              },
            ],
          },
        }
      : { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: said.text } },
  ],
  ...(!('withoutUsage' in said) && {
    usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 },
  }),
})

/** A text is passed on as it is: models write what is no JSON. */
const argumentsOf = (input: unknown): string =>
  typeof input === 'string' ? input : JSON.stringify(input)

/** Messages. */
const anthropic = (said: Words) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'scripted',
  content: [
    'tool' in said
      ? { type: 'tool_use', id: 'toolu_1', name: said.tool, input: said.input }
      : { type: 'text', text: said.text },
  ],
  stop_reason: 'tool' in said ? 'tool_use' : 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 100, output_tokens: 50 },
})

/** `generateContent`. */
const gemini = (said: Words) => ({
  candidates: [
    {
      index: 0,
      finishReason: 'STOP',
      content: {
        role: 'model',
        parts: [
          'tool' in said
            ? { functionCall: { name: said.tool, args: said.input } }
            : { text: said.text },
        ],
      },
    },
  ],
  usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 50, totalTokenCount: 150 },
})
