/** Runs small shell scripts on another machine through OpenSSH, one connection for all of them. */

export interface SshTarget {
  /** `user@host`, or a name of the SSH configuration. */
  readonly host: string
  /** More options for `ssh`: a port, a key, a configuration file. */
  readonly options?: readonly string[]
}

/** The machine could not be asked. Worth another try. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}

/** What `ssh` itself ends with when it could not connect, or was cut off. */
const sshFailed = 255

/** One word of a shell, whatever is in it. */
export const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

export interface Answer {
  readonly exitCode: number
  readonly output: Uint8Array
}

export const sshTo = ({ host, options = [] }: SshTarget) => {
  const argv = ['ssh', '-o', 'BatchMode=yes', '-o', 'ServerAliveInterval=5', ...options, host]

  /** @throws UnreachableError */
  const finish = async (child: Bun.Subprocess<'pipe', 'pipe', 'pipe'>): Promise<Answer> => {
    const [output, complaint, exitCode] = await Promise.all([
      new Response(child.stdout).bytes(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    if (exitCode === sshFailed) throw new UnreachableError(`${host}: ${complaint.trim()}`)
    return { exitCode, output }
  }

  return {
    argv,
    /** The script goes over standard input: arguments could be seen by other users there. */
    async run(script: string): Promise<Answer> {
      const child = Bun.spawn([...argv, 'sh', '-s'], { stdio: ['pipe', 'pipe', 'pipe'] })
      child.stdin.write(script)
      await child.stdin.end()
      return finish(child)
    },
    /** The files of a folder here, into one there. */
    async push(from: string, to: string): Promise<void> {
      const tar = Bun.spawn(['tar', '-C', from, '-cf', '-', '.'], { stdout: 'pipe' })
      const unpack = `mkdir -p ${quote(to)} && tar -C ${quote(to)} -xf -`
      const child = Bun.spawn([...argv, unpack], { stdin: tar.stdout })
      if ((await child.exited) + (await tar.exited) !== 0)
        throw new UnreachableError(`${host} did not take the files`)
    },
    /** And back. */
    async pull(from: string, to: string): Promise<void> {
      const child = Bun.spawn([...argv, `tar -C ${quote(from)} -cf - .`], { stdout: 'pipe' })
      const tar = Bun.spawn(['tar', '-C', to, '--no-same-owner', '-xf', '-'], {
        stdin: child.stdout,
      })
      if ((await child.exited) + (await tar.exited) !== 0)
        throw new UnreachableError(`${host} did not give the files back`)
    },
  }
}
export type Ssh = ReturnType<typeof sshTo>
