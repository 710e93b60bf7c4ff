/** Runs a program that prepares something: its lines as they come, its last ones when it fails. */

export interface CommandOptions {
  readonly cwd?: string
  readonly env: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  onLine?(line: string): void
}

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  /** The end of both outputs. */
  readonly tail: string
}

const tailLines = 25
const maxTailLength = 4000
const maxStdoutLength = 1 << 20

/** @throws when the program cannot be started, or the signal's reason when it is aborted */
export const runCommand = async (
  argv: readonly string[],
  { cwd, env, signal, onLine }: CommandOptions,
): Promise<CommandResult> => {
  signal?.throwIfAborted()
  // A group of its own, so that what it starts ends with it.
  const child = Bun.spawn([...argv], {
    ...(cwd && { cwd }),
    env: { ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    detached: true,
  })
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }
  signal?.addEventListener('abort', kill)
  const lines: string[] = []
  let stdout = ''
  const take = (line: string, isStdout: boolean) => {
    if (isStdout && stdout.length < maxStdoutLength) stdout += `${line}\n`
    lines.push(line)
    if (lines.length > tailLines) lines.shift()
    onLine?.(line)
  }
  await Promise.all([
    eachLine(child.stdout, (line) => take(line, true)),
    eachLine(child.stderr, (line) => take(line, false)),
  ])
  const exitCode = await child.exited
  signal?.removeEventListener('abort', kill)
  signal?.throwIfAborted()
  return { exitCode, stdout, tail: lines.join('\n').slice(-maxTailLength) }
}

/** Progress bars overwrite their line with carriage returns: each state counts as a line. */
const eachLine = async (
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> => {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split(/[\r\n]+/)
    rest = (parts.pop() ?? '').slice(-maxTailLength)
    for (const line of parts) if (line.trim() !== '') take(line)
  }
  if (rest.trim() !== '') take(rest)
}
