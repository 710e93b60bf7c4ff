/** The smallest agent: asks its model, calls the tools it names, until it is told to stop. */

export interface Offer {
  readonly rollout_id: string
  readonly base_url: string
  readonly system: string
  readonly user: string
  readonly tools: readonly object[]
}

/** By web requests, wherever the gateway is. */
export type Send = (url: string, init?: RequestInit) => Promise<Response>

interface Said {
  readonly role: string
  readonly content: string | null
  readonly tool_calls?: readonly {
    readonly id: string
    readonly function: { readonly name: string; readonly arguments: string }
  }[]
}

export const post = async <T>(send: Send, url: string, body: unknown = {}): Promise<T> => {
  const reply = await send(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await reply.text()
  if (!reply.ok) throw new Error(`${reply.status} ${text}`)
  return JSON.parse(text) as T
}

/** Answers what the model said last. */
export const playByHand = async (send: Send, offer: Offer, model = 'any'): Promise<string> => {
  const messages: object[] = [
    { role: 'system', content: offer.system },
    { role: 'user', content: offer.user },
  ]
  for (;;) {
    const answer = await post<{ choices: { message: Said }[] }>(
      send,
      `${offer.base_url}/chat/completions`,
      { model, messages, tools: offer.tools },
    )
    const said = answer.choices[0]?.message
    if (!said?.tool_calls) return said?.content ?? ''
    messages.push(said)
    for (const { id, function: called } of said.tool_calls) {
      const url = `${offer.base_url.slice(0, -'/v1'.length)}/tools/${called.name}`
      const given = JSON.parse(called.arguments) as object
      const { content } = await post<{ content: string }>(send, url, given)
      messages.push({ role: 'tool', tool_call_id: id, content })
    }
  }
}
