/** What the server's answers mean to an agent: four ways in which a call may fail. */

/** The attempt is none of this node's any more (410): end it and forget it. */
export class GoneError extends Error {
  override readonly name = 'GoneError'
}

/** The server does not know this node's credential (any more). */
export class RevokedError extends Error {
  override readonly name = 'RevokedError'
}

/** Agent and server speak different protocols (426). */
export class OutdatedError extends Error {
  override readonly name = 'OutdatedError'
}

/** Nobody answered, or not now, or not with sense: the same call again, later. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
  readonly status: number | null
  constructor(message: string, status: number | null = null) {
    super(message)
    this.status = status
  }
}

/**
 * The body of an answer with one of the given statuses; anything else becomes the error it means.
 * A reply that is not the server's own (a proxy's page, say) never ends anything.
 */
export const answered = async <T>(reply: Response, ...statuses: number[]): Promise<T> => {
  const text = await bodyOf(reply)
  const body = parse(text)
  if (statuses.includes(reply.status) && body !== undefined) return body as T
  const detail = (body as { detail?: unknown } | undefined)?.detail
  const message = `${reply.status} ${typeof detail === 'string' ? detail : text.slice(0, 200)}`
  const isOurs = typeof (body as { code?: unknown } | undefined)?.code === 'string'
  if (isOurs && reply.status === 410) throw new GoneError(message)
  if (isOurs && reply.status === 401) throw new RevokedError(message)
  if (isOurs && reply.status === 426) throw new OutdatedError(message)
  throw new UnreachableError(message, reply.status)
}

const bodyOf = async (reply: Response): Promise<string> => {
  try {
    return await reply.text()
  } catch (error) {
    throw new UnreachableError(error instanceof Error ? error.message : String(error))
  }
}

const parse = (text: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
