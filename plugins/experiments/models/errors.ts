/** What ends an experiment when its models cannot be asked, or must not be any more. */

/** `message` is written for people; keys are never in it. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly code: 'API_KEY_INVALID' | 'TIMEOUT_ERROR' | 'EXECUTION_ERROR'
  constructor(code: ModelError['code'], message: string) {
    super(message)
    this.code = code
  }
}
