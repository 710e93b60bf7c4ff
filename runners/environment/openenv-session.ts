/** One environment of an OpenEnv server: a socket, and the numbers in what it says. */

/** What `POST /api/scenarios` was told of the server, for the bridge. */
export interface OpenEnvWanted {
  /** `ws://` or `wss://`, to the end of `/ws`. */
  readonly url: string
  /** Where the numbers of an observation are, in order: `vector`, or `board.cells`. */
  readonly observation: readonly string[]
  /** What is sent for each action, in the order of their numbers. */
  readonly actions: readonly { readonly action: object }[]
  /** After so many steps an episode is cut off. */
  readonly maxSteps: number
}

export interface Seen {
  readonly observation: readonly number[]
  readonly reward: number
  readonly terminated: boolean
  readonly truncated: boolean
}

const patienceMs = 60_000

export class OpenEnvSession {
  readonly #wanted: OpenEnvWanted
  readonly #socket: WebSocket
  readonly #opened: Promise<void>
  #waiting: { resolve(text: string): void; reject(error: Error): void } | null = null
  #steps = 0

  constructor(wanted: OpenEnvWanted) {
    this.#wanted = wanted
    this.#socket = new WebSocket(wanted.url)
    this.#opened = new Promise((resolve, reject) => {
      const gone = (why: string) => {
        const error = new Error(`The OpenEnv server ${why}`)
        reject(error)
        this.#waiting?.reject(error)
        this.#waiting = null
      }
      this.#socket.onopen = () => resolve()
      this.#socket.onerror = () => gone('cannot be reached')
      this.#socket.onclose = ({ code, reason }) =>
        gone(`closed the socket (${[code, reason].filter(Boolean).join(': ')})`)
      this.#socket.onmessage = ({ data }) => {
        this.#waiting?.resolve(String(data))
        this.#waiting = null
      }
    })
    this.#opened.catch(() => {})
  }

  async reset(seed: number): Promise<Seen> {
    this.#steps = 0
    return this.#seen(await this.#ask({ type: 'reset', data: { seed } }))
  }

  async step(action: number): Promise<Seen> {
    this.#steps++
    const data = this.#wanted.actions[action]?.action
    if (!data) throw new Error(`There is no action ${action}`)
    return this.#seen(await this.#ask({ type: 'step', data }))
  }

  close(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send('{"type":"close"}')
    this.#socket.close()
  }

  async #ask(message: object): Promise<Record<string, unknown>> {
    await this.#opened
    const answered = Promise.withResolvers<string>()
    this.#waiting = answered
    this.#socket.send(JSON.stringify(message))
    const late = setTimeout(() => {
      answered.reject(new Error(`The OpenEnv server is silent for ${patienceMs / 1000} s`))
    }, patienceMs)
    const text = await answered.promise.finally(() => clearTimeout(late))
    const { type, data } = JSON.parse(text) as { type: string; data: Record<string, unknown> }
    if (type === 'observation') return data
    const { code = type, message: why = 'no observation' } = data ?? {}
    throw new Error(`The OpenEnv server answers ${String(code)}: ${String(why)}`)
  }

  #seen({ observation, reward, done }: Record<string, unknown>): Seen {
    const given = (observation ?? {}) as Record<string, unknown>
    const truncated = given['truncated'] === true
    const terminated = given['terminated'] === true || (done === true && !truncated)
    return {
      observation: this.#wanted.observation.flatMap((path) => numbersAt(given, path)),
      reward: Number(reward ?? 0),
      terminated,
      truncated: truncated || (!terminated && this.#steps >= this.#wanted.maxSteps),
    }
  }
}

/** @throws Error when there is anything but numbers and truths */
export const numbersAt = (given: object, path: string): number[] => {
  let value: unknown = given
  for (const name of path.split('.')) value = (value as Record<string, unknown> | null)?.[name]
  return flat(value, path)
}

const flat = (value: unknown, path: string): number[] => {
  if (typeof value === 'number') return [value]
  if (typeof value === 'boolean') return [value ? 1 : 0]
  if (Array.isArray(value)) return value.flatMap((part) => flat(part, path))
  const what = value === undefined ? 'not there' : `of the type ${typeof value}`
  throw new Error(`${path} of the observation is ${what}: numbers are needed`)
}
