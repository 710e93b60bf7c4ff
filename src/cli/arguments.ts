/** Reads the arguments of a verb; an option that is not known is answered with the nearest. */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { nearest } from './nearest.ts'

export type Options = NonNullable<ParseArgsConfig['options']>

/** The caller asked wrongly: exit code 2, and where the right way is written. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const parse = <O extends Options>(args: readonly string[], options: O) =>
  parseArgs({ args: [...args], options, allowPositionals: true, strict: true })

export type Given<O extends Options> = ReturnType<typeof parse<O>>

const tokensOf = (args: readonly string[], options: Options) =>
  parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  }).tokens

/** @throws UsageError */
export const readArguments = <O extends Options>(args: readonly string[], options: O): Given<O> => {
  for (const token of tokensOf(args, options)) {
    if (token.kind === 'option-terminator') break
    if (token.kind !== 'option' || Object.hasOwn(options, token.name)) continue
    const meant = nearest(token.name, Object.keys(options))
    const hint = meant === undefined ? '' : `; did you mean --${meant}?`
    throw new UsageError(`unknown option ${token.rawName}${hint}`)
  }
  try {
    return parse(args, options)
  } catch (error) {
    const message = (error as Error).message.replaceAll('\n', ' ')
    throw new UsageError(message.charAt(0).toLowerCase() + message.slice(1))
  }
}

/**
 * Splits `[options] command...` where the command begins: at `--`, or at the first word that is
 * neither an option nor the value of one, so that the options of the command stay its own.
 */
export const splitCommand = (
  args: readonly string[],
  options: Options,
): { own: readonly string[]; command: readonly string[] } => {
  for (const token of tokensOf(args, options)) {
    if (token.kind === 'option') continue
    const isMark = token.kind === 'option-terminator'
    return {
      own: args.slice(0, token.index),
      command: args.slice(isMark ? token.index + 1 : token.index),
    }
  }
  return { own: args, command: [] }
}

/** @throws UsageError */
export const wholeNumberOf = (option: string, text: string, min = 0): number => {
  if (/^-?\d{1,15}$/.test(text) && Number(text) >= min) return Number(text)
  throw new UsageError(`--${option}: expected a whole number, not ${JSON.stringify(text)}`)
}
