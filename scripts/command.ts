/** Runs a program and answers how it ended, so that scripts read as a list of steps. */

export interface CommandOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Shows the program's output as it comes instead of collecting it. */
  readonly show?: boolean
}

export interface CommandResult {
  readonly exitCode: number
  /** Standard output and standard error, empty when shown. */
  readonly output: string
}

export const run = async (
  argv: readonly string[],
  { cwd, env, show = false }: CommandOptions = {},
): Promise<CommandResult> => {
  const stream = show ? 'inherit' : 'pipe'
  const child = Bun.spawn([...argv], {
    ...(cwd && { cwd }),
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: stream,
    stderr: stream,
  })
  const read = (from: ReadableStream<Uint8Array> | number | undefined) =>
    from instanceof ReadableStream ? new Response(from).text() : Promise.resolve('')
  const [out, err] = await Promise.all([read(child.stdout), read(child.stderr)])
  return { exitCode: await child.exited, output: out + err }
}

/** Like `run`, but a failure throws with the end of what the program said. */
export const must = async (
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<string> => {
  const { exitCode, output } = await run(argv, options)
  if (exitCode === 0) return output
  throw new Error(`${argv.join(' ')} ended with ${exitCode}\n${output.slice(-4000)}`)
}
