/** Speaks the HTTP API of a container engine over its Unix socket, and tells its failures apart. */

/** The engine answered, and the answer is no. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Nothing answers at the socket: the engine is down, or was never there. Worth another try. */
export class EngineAwayError extends Error {
  override readonly name = 'EngineAwayError'
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Engine {
  readonly socket: string
  /** @throws EngineError, EngineAwayError */
  call(method: string, path: string, options?: CallOptions): Promise<Response>
}

export const defaultSocket = '/var/run/docker.sock'

/**
 * The socket that DOCKER_HOST names, or why it cannot be used: attempts lie in folders of this
 * machine, which an engine elsewhere does not see.
 */
export const socketOf = (
  dockerHost = '',
): { readonly socket: string; readonly refused: string | null } => {
  const [, path] = /^unix:\/\/(\/.+)$/.exec(dockerHost) ?? []
  const isUsable = path !== undefined || dockerHost === ''
  const refused = `DOCKER_HOST=${dockerHost} is not a Unix socket of this machine`
  return { socket: path ?? defaultSocket, refused: isUsable ? null : refused }
}

export const createEngine = (socket: string): Engine => ({
  socket,
  async call(method, path, { query, body, headers, signal } = {}) {
    const search = query ? `?${new URLSearchParams(query)}` : ''
    let response: Response
    try {
      response = await fetch(`http://engine${path}${search}`, {
        unix: socket,
        method,
        // Some calls last as long as the container that they wait for.
        timeout: false,
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      })
    } catch (error) {
      if (signal?.aborted) throw error
      throw new EngineAwayError(`No container engine answers at ${socket}`, { cause: error })
    }
    if (response.ok) return response
    throw new EngineError(response.status, await reasonIn(response))
  },
})

const reasonIn = async (response: Response): Promise<string> => {
  const text = await response.text().catch(() => '')
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string') return message
  } catch {
    // Not every answer is JSON.
  }
  return text.trim() || `The container engine answered ${response.status}`
}

/** Whether the engine says that there is no such thing. */
export const isMissing = (error: unknown): boolean =>
  error instanceof EngineError && error.status === 404
