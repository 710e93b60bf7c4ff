/** What all verbs share that speak to a server: arguments, help, `--json`, errors, exit codes. */
import { Api, ApiError, apiFrom, UnreachableError } from './api.ts'
import { type Given, type Options, readArguments, splitCommand, UsageError } from './arguments.ts'
import { createOutput, type Output } from './output.ts'

export interface Context {
  readonly api: Api
  readonly output: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** What follows the options, for a verb with `takesCommand`. */
  readonly command: readonly string[]
}

export interface ClientVerb<O extends Options = Options> {
  readonly name: string
  /** Examples first. */
  readonly help: string
  readonly options: O
  /** From the first word on nothing is an option of ours. */
  readonly takesCommand?: boolean
  /** Exit code when not the job but Hearth itself failed; default 1. */
  readonly failureCode?: number
  /** Answers the exit code. */
  run(given: Given<O & typeof common>, context: Context): Promise<number>
}

const common = {
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** Something the verb says no to by itself. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

export const runClientVerb = async <O extends Options>(
  verb: ClientVerb<O>,
  args: readonly string[],
): Promise<number> => {
  const { env } = process
  const options = { ...verb.options, ...common }
  const { own, command } = verb.takesCommand
    ? splitCommand(args, options)
    : { own: args, command: [] }
  // Known before the arguments are, since their errors are to be in that form too.
  const json = own.includes('--json')
  process.stdout.on('error', leaveQuietly)
  try {
    const given = readArguments(own, options) as Given<O & typeof common>
    if ((given.values as { help?: boolean }).help) {
      process.stdout.write(verb.help)
      return 0
    }
    const output = createOutput(json, env)
    return await verb.run(given, {
      output,
      env,
      command,
      get api() {
        return apiFrom(env)
      },
    })
  } catch (error) {
    return failed(verb, json, error)
  }
}

/** Whoever read has seen enough: `hearth logs ID | head`. */
const leaveQuietly = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}

const failed = <O extends Options>(verb: ClientVerb<O>, json: boolean, error: unknown): number => {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 0
  const isUsage = error instanceof UsageError
  const known =
    isUsage ||
    error instanceof ApiError ||
    error instanceof UnreachableError ||
    error instanceof Refusal
  const message = error instanceof Error ? error.message : String(error)
  if (json) {
    const code =
      error instanceof ApiError
        ? error.code
        : isUsage
          ? 'usage'
          : error instanceof UnreachableError
            ? 'unreachable'
            : 'failed'
    process.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`)
  } else {
    const wantsMore = !known && process.env['LOG_LEVEL'] === 'debug'
    const text = wantsMore ? String((error as Error).stack) : message
    process.stderr.write(`hearth ${verb.name}: ${text}\n`)
    if (isUsage) process.stderr.write(`\`hearth ${verb.name} --help\` shows examples.\n`)
  }
  return isUsage ? 2 : (verb.failureCode ?? 1)
}
