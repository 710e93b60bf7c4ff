/** What ends an experiment, or a step of it, when its models cannot be asked. */

/** `message` is written for people; keys are never in it. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly code: 'API_KEY_INVALID' | 'TIMEOUT_ERROR' | 'EXECUTION_ERROR'
  constructor(code: ModelError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** The time of the experiment is up, which is no failure of it. */
export class OutOfTimeError extends Error {
  override readonly name = 'OutOfTimeError'
}
