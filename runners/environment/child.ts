/** A process that holds environments, asked without an event loop: trainers cannot wait. */
import { closeSync, readSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { failed, frameOf, headerBytes, maxFrameBytes, type Verb, verbs } from './frames.ts'
import { endOf, isReadable, openPipe } from './libc.ts'

const patienceMs = 120_000
/** Importing what an environment needs may take long on a cold disk. */
const openPatienceMs = 300_000

interface Answer {
  readonly environment: number
  readonly isFailed: boolean
  readonly payload: Buffer
}

export class EnvironmentChild {
  readonly pid: number
  readonly #child: Bun.Subprocess
  readonly #write: number
  readonly #read: number
  /** Answers that came while that of another environment was waited for. */
  readonly #early: Answer[] = []
  #buffer = Buffer.allocUnsafe(1 << 16)
  #filled = 0
  #isOver = false

  readonly #patienceMs: number

  /**
   * `command` finds the questions on its input, and puts the answers on its output.
   * `stepPatienceMs`: a step that takes longer is taken for one that never ends.
   */
  constructor(command: readonly string[], stepPatienceMs = patienceMs) {
    this.#patienceMs = stepPatienceMs
    const [questions, answers] = [openPipe(), openPipe()]
    this.#child = Bun.spawn([...command], {
      stdin: questions.readEnd,
      stdout: answers.writeEnd,
      stderr: 'inherit',
      env: { ...process.env },
    })
    this.#child.unref()
    closeSync(questions.readEnd)
    closeSync(answers.writeEnd)
    this.pid = this.#child.pid
    this.#write = questions.writeEnd
    this.#read = answers.readEnd
  }

  /** The answer's payload, good until the next question. @throws Error with the child's reason */
  ask(verb: Verb, environment: number, payload: Uint8Array = new Uint8Array()): Buffer {
    this.tell(verb, environment, payload)
    return this.hear(environment, verb === 'open' ? openPatienceMs : this.#patienceMs)
  }

  /** Asks without waiting for the answer, which `hear` must fetch. */
  tell(verb: Verb, environment: number, payload: Uint8Array): void {
    if (this.#isOver) throw new Error('The environments have been closed')
    const frame = frameOf(verbs[verb], environment, payload)
    try {
      for (let at = 0; at < frame.length;) at += writeSync(this.#write, frame, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') throw this.#ended()
      throw error
    }
  }

  /** @throws Error with the child's reason, also when it is gone or silent */
  hear(environment: number, timeoutMs = this.#patienceMs): Buffer {
    const early = this.#early.findIndex((answer) => answer.environment === environment)
    const answer = early >= 0 ? this.#early.splice(early, 1)[0] : undefined
    if (answer) return payloadOf(answer)
    for (;;) {
      const next = this.#next(timeoutMs)
      if (next.environment === environment) return payloadOf(next)
      this.#early.push({ ...next, payload: Buffer.from(next.payload) })
    }
  }

  /** Its input ends, so that it ends itself; whoever does not is killed. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    closeSync(this.#write)
    closeSync(this.#read)
    this.#child.kill('SIGKILL')
  }

  #next(timeoutMs: number): Answer {
    this.#fill(4, timeoutMs)
    const size = this.#buffer.readUInt32LE(0)
    if (size < headerBytes - 4 || size > maxFrameBytes) {
      throw new Error(`The process of the environment answers with a frame of ${size} bytes`)
    }
    const whole = 4 + size
    this.#fill(whole, timeoutMs)
    const buffer = this.#buffer
    const answer = {
      isFailed: buffer.readUInt32LE(4) === failed,
      environment: buffer.readUInt32LE(8),
      payload: buffer.subarray(headerBytes, whole),
    }
    if (this.#filled > whole) {
      // The rest moves to the front, so the payload needs a place of its own.
      answer.payload = Buffer.from(answer.payload)
      buffer.copy(buffer, 0, whole, this.#filled)
    }
    this.#filled -= whole
    return answer
  }

  /** Reads until so many bytes are there. */
  #fill(bytes: number, timeoutMs: number): void {
    if (this.#buffer.length < bytes) {
      const larger = Buffer.allocUnsafe(2 * bytes)
      this.#buffer.copy(larger, 0, 0, this.#filled)
      this.#buffer = larger
    }
    while (this.#filled < bytes) {
      if (!isReadable(this.#read, timeoutMs)) {
        throw new Error(`The process of the environment is silent for ${timeoutMs / 1000} s`)
      }
      const room = this.#buffer.length - this.#filled
      const read = readSync(this.#read, this.#buffer, this.#filled, room, null)
      if (read === 0) throw this.#ended()
      this.#filled += read
    }
  }

  #ended(): Error {
    const end = endOf(this.pid)
    const how =
      end === null ? '' : 'code' in end ? ` with ${end.code}` : `, by ${nameOf(end.signal)}`
    return new Error(`The process of the environment has ended${how}`)
  }
}

const payloadOf = ({ isFailed, payload }: Answer): Buffer => {
  if (isFailed) throw new Error(payload.toString())
  return payload
}

const nameOf = (signal: number): string =>
  Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `${signal}`
