/** Scenarios behind OpenEnv's sockets: each has an environment of its own, and is not for ever. */
import { type Channel, type Clock, HearthError, type Line, type Timer } from '../../../src/sdk.ts'
import type { Catalogue } from '../catalogue.ts'
import type { Scenario } from '../environment.ts'
import { Episodes } from './episodes.ts'
import { messageOf, WireError } from './wire.ts'

export interface OpenEnvLimits {
  /** Sockets with an environment, of everybody together. */
  readonly sessions: number
  /** Without a message for so long, a socket is closed: half-open ones would hold theirs. */
  readonly idleMs: number
}

export const openEnvLimits: OpenEnvLimits = { sessions: 256, idleMs: 600_000 }

export interface OpenEnvSocketsOptions {
  readonly catalogue: Catalogue
  readonly clock: Clock
  readonly limits?: OpenEnvLimits
}

export const openEnvChannel = (options: OpenEnvSocketsOptions): Channel => {
  const { catalogue, clock, limits = openEnvLimits } = options
  const sessions = new Set<Session>()
  return {
    path: '/openenv/:id/ws',
    async open({ params, who }) {
      if (!who) throw new HearthError('unauthorized')
      const scenario = await catalogue.get(who, params['id'] ?? '')
      let session: Session | undefined
      return {
        topic: `openenv/${crypto.randomUUID()}`,
        opened(line) {
          const refusal = full(sessions.size, limits.sessions)
          session = new Session(scenario, line, clock, limits.idleMs, refusal)
          if (session.isOpen) sessions.add(session)
        },
        message: (text) => session?.message(text),
        closed() {
          session?.end()
          if (session) sessions.delete(session)
        },
      }
    },
  }
}

const full = (active: number, most: number): WireError | null => {
  if (active < most) return null
  const more = { active_sessions: active, max_sessions: most }
  return new WireError('CAPACITY_REACHED', `All ${most} sessions are taken`, more)
}

class Session {
  readonly #line: Line
  readonly #clock: Clock
  readonly #idleMs: number
  #episodes: Episodes | null = null
  #timer: Timer | undefined

  constructor(
    scenario: Scenario,
    line: Line,
    clock: Clock,
    idleMs: number,
    refusal: WireError | null,
  ) {
    this.#line = line
    this.#clock = clock
    this.#idleMs = idleMs
    try {
      if (refusal) throw refusal
      this.#episodes = new Episodes(scenario)
      this.#listen()
    } catch (error) {
      this.#tell(error, 'SESSION_ERROR')
      line.close(1000, 'there is no session')
    }
  }

  get isOpen(): boolean {
    return this.#episodes !== null
  }

  message(text: string): void {
    const episodes = this.#episodes
    if (!episodes) return
    this.#listen()
    try {
      const message = messageOf(text)
      if (message.type === 'close') return this.#line.close(1000, 'closed as asked')
      if (message.type === 'state') {
        return this.#line.send({ type: 'state', data: episodes.state })
      }
      const data =
        message.type === 'reset' ? episodes.reset(message.data) : episodes.step(message.data)
      this.#line.send({ type: 'observation', data })
    } catch (error) {
      this.#tell(error, 'EXECUTION_ERROR')
    }
  }

  end(): void {
    this.#timer?.cancel()
    this.#episodes?.close()
    this.#episodes = null
  }

  /** From now on it may be silent for a while again. */
  #listen(): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(this.#idleMs, () => {
      const message = `Nothing was heard for ${this.#idleMs / 1000} s`
      this.#tell(new WireError('SESSION_ERROR', message), 'SESSION_ERROR')
      this.#line.close(1000, 'idle')
    })
  }

  #tell(error: unknown, code: 'EXECUTION_ERROR' | 'SESSION_ERROR'): void {
    const known = error instanceof WireError ? error : new WireError(code, 'The environment failed')
    this.#line.send({ type: 'error', data: known.data })
    if (known !== error) throw error
  }
}
