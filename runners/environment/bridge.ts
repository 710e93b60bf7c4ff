/** The program between frames and an OpenEnv server: each environment is a socket of its own. */
import { writeSync } from 'node:fs'
import { failed, frameOf, headerBytes, stepHeaderBytes, verbs, flags } from './frames.ts'
import { OpenEnvSession, type OpenEnvWanted, type Seen } from './openenv-session.ts'

const nothing = new Uint8Array()

/** Reads frames from standard input until it ends. Answers the exit code. */
export const bridge = async (): Promise<number> => {
  // A job that is to end is told so as a whole: whoever asks here decides, and ends the questions.
  process.on('SIGTERM', () => {})
  const held = new Held()
  const lines = new Map<number, Promise<void>>()
  for await (const { kind, environment, payload } of framesOf(Bun.stdin.stream())) {
    // Those of one environment one after another, all others meanwhile.
    const before = lines.get(environment) ?? Promise.resolve()
    lines.set(
      environment,
      before.then(async () => put(await answered(held, kind, environment, payload))),
    )
  }
  held.end()
  return 0
}

const answered = async (held: Held, kind: number, environment: number, payload: Buffer) => {
  try {
    return frameOf(0, environment, await held.answer(kind, environment, payload))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return frameOf(failed, environment, Buffer.from(reason.slice(0, 2000)))
  }
}

class Held {
  #wanted: OpenEnvWanted | null = null
  readonly #sessions = new Map<number, OpenEnvSession>()

  async answer(kind: number, environment: number, payload: Buffer): Promise<Uint8Array> {
    if (kind === verbs.open) return this.#open(payload)
    if (!this.#wanted) throw new Error('Nothing has been opened yet')
    if (kind === verbs.make) {
      this.#sessions.set(environment, new OpenEnvSession(this.#wanted))
      return nothing
    }
    const session = this.#sessions.get(environment)
    if (!session) throw new Error(`There is no environment ${environment}`)
    if (kind === verbs.reset) return floats(await session.reset(payload.readDoubleLE(0)))
    if (kind === verbs.step) return stepped(await session.step(payload.readUInt32LE(0)))
    // The protocol has no way to save an environment.
    if (kind === verbs.save) return nothing
    if (kind === verbs.close) {
      session.close()
      this.#sessions.delete(environment)
      return nothing
    }
    throw new Error(`There is no verb ${kind}`)
  }

  async #open(payload: Buffer): Promise<Uint8Array> {
    this.#wanted = JSON.parse(payload.toString()) as OpenEnvWanted
    const first = new OpenEnvSession(this.#wanted)
    try {
      const { observation } = await first.reset(0)
      const { actions, maxSteps } = this.#wanted
      const described = { observations: observation.length, actions: actions.length, maxSteps }
      return Buffer.from(JSON.stringify(described))
    } finally {
      first.close()
    }
  }

  end(): void {
    for (const session of this.#sessions.values()) session.close()
  }
}

const floats = ({ observation }: Seen): Uint8Array =>
  new Uint8Array(Float32Array.from(observation).buffer)

const stepped = (seen: Seen): Uint8Array => {
  const numbers = floats(seen)
  const payload = Buffer.alloc(stepHeaderBytes + numbers.length)
  const ends = (seen.terminated ? flags.terminated : 0) | (seen.truncated ? flags.truncated : 0)
  payload.writeDoubleLE(seen.reward)
  payload.writeUInt32LE(ends, 8)
  payload.set(numbers, stepHeaderBytes)
  return payload
}

const put = (frame: Buffer): void => {
  for (let at = 0; at < frame.length;) at += writeSync(1, frame, at)
}

interface Question {
  readonly kind: number
  readonly environment: number
  readonly payload: Buffer
}

async function* framesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Question> {
  let rest = Buffer.alloc(0)
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= headerBytes && rest.length >= 4 + rest.readUInt32LE(0)) {
      const end = 4 + rest.readUInt32LE(0)
      const [kind, environment] = [rest.readUInt32LE(4), rest.readUInt32LE(8)]
      yield { kind, environment, payload: rest.subarray(headerBytes, end) }
      rest = rest.subarray(end)
    }
  }
}
