/** Speaks to the server, and says in plain words what is wrong when that fails. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The server refused. `message` is written for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly issues: readonly { readonly path: string; readonly message: string }[]
  /** What a 416 says: where to go on. */
  readonly size: number | undefined

  constructor(status: number, message: string, body: ErrorBody = {}) {
    super(message)
    this.status = status
    this.code = body.code ?? `http_${status}`
    this.issues = body.errors ?? []
    this.size = body.size
  }
}

interface ErrorBody {
  readonly detail?: string
  readonly code?: string
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
  readonly size?: number
}

/** Nobody answered, or the connection broke. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}

type Environment = Readonly<Record<string, string | undefined>>

const defaultUrl = 'http://127.0.0.1:8000'
const maxWaitS = 70

export interface ApiRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: ArrayBuffer | string
  readonly signal?: AbortSignal
}

export class Api {
  /** Without a slash at the end. */
  readonly url: string
  readonly #token: string | undefined

  constructor(url: string, token: string | undefined) {
    if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
      throw new UnreachableError(`HEARTH_URL must be like ${defaultUrl}, not ${url}`)
    }
    this.url = url.replace(/\/+$/, '')
    this.#token = token
  }

  /** Answers whatever has a status below 300. @throws ApiError, UnreachableError */
  async fetch(path: string, request: ApiRequest = {}): Promise<Response> {
    const headers = {
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
      ...request.headers,
    }
    for (;;) {
      const response = await this.#send(path, { ...request, headers })
      if (response.ok) return response
      const waitS = Number(response.headers.get('retry-after') ?? Number.NaN)
      if (response.status !== 429 || !(waitS <= maxWaitS)) throw await this.#refusal(response)
      await response.body?.cancel()
      request.signal?.throwIfAborted()
      await Bun.sleep(waitS * 1000)
    }
  }

  async json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const response = await this.fetch(path, {
      method,
      ...(signal && { signal }),
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    try {
      return (await response.json()) as T
    } catch {
      throw new UnreachableError(`${this.url} did not answer in JSON. Is HEARTH_URL right?`)
    }
  }

  async #send(path: string, request: ApiRequest): Promise<Response> {
    try {
      // Following would hand the token to whoever the reply names.
      return await fetch(this.url + path, { ...request, redirect: 'manual' })
    } catch (error) {
      request.signal?.throwIfAborted()
      const reason = (error as { code?: string }).code ?? (error as Error).message
      throw new UnreachableError(
        `No server answers at ${this.url} (${reason}). ` +
          'Start one with `hearth start`, or set HEARTH_URL to where yours is.',
      )
    }
  }

  async #refusal(response: Response): Promise<ApiError> {
    const { status } = response
    const body = await errorBodyOf(response)
    const detail = body?.detail
    if (status === 401) {
      const what = this.#token === undefined ? 'wants a token' : `refuses this token (${detail})`
      const how = 'Set HEARTH_TOKEN to an API key or access token (see docs/auth.md).'
      return new ApiError(status, `${this.url} ${what}. ${how}`, body ?? {})
    }
    const target = response.headers.get('location')
    if (status < 400 && target) {
      return new ApiError(status, `${this.url} sends to ${target}: set HEARTH_URL to that server.`)
    }
    if (typeof detail !== 'string') {
      const text = `${this.url} answered ${status}, not as Hearth does. Is HEARTH_URL right?`
      return new ApiError(status, text)
    }
    return new ApiError(status, detail, body ?? {})
  }
}

/** The answer to `HEAD` has its size in a header only. */
const errorBodyOf = async (response: Response): Promise<ErrorBody | null> => {
  const offset = response.headers.get('x-upload-offset')
  const known = offset === null ? {} : { detail: 'Not all of it is here', size: Number(offset) }
  const body = (await response.json().catch(() => null)) as ErrorBody | null
  return body === null && offset === null ? null : { ...known, ...body }
}

/** `HEARTH_URL` and `HEARTH_TOKEN`; without the latter what `python -m hearth login` kept. */
export const apiFrom = (env: Environment): Api => {
  const url = (env['HEARTH_URL'] || defaultUrl).replace(/\/+$/, '')
  return new Api(url, env['HEARTH_TOKEN'] || savedToken(url, env))
}

export const stateFolder = (env: Environment): string =>
  env['HEARTH_DIR'] || join(env['HOME'] || homedir(), '.hearth')

const savedToken = (url: string, env: Environment): string | undefined => {
  try {
    const text = readFileSync(join(stateFolder(env), 'credentials.json'), 'utf8')
    const token = (JSON.parse(text) as Record<string, unknown>)[url]
    return typeof token === 'string' ? token : undefined
  } catch {
    return undefined
  }
}
