/** Takes a stream of Server-Sent Events apart. */

export interface ServerEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: string
}

/** Events that are whole; one that the connection broke in the middle of is left out. */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  onBytes?: () => void,
): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    onBytes?.()
    rest += decoder.decode(chunk, { stream: true })
    let start = 0
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n', start)) {
      const event = eventOf(rest.slice(start, end))
      if (event) yield event
      start = end + 2
    }
    rest = rest.slice(start)
  }
}

const eventOf = (frame: string): ServerEvent | undefined => {
  let event = 'message'
  let id: string | undefined
  const data: string[] = []
  for (const line of frame.split('\n')) {
    const [, field, value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (field === 'event') event = value
    else if (field === 'id') id = value
    else if (field === 'data') data.push(value)
  }
  return data.length === 0 ? undefined : { event, id, data: data.join('\n') }
}
