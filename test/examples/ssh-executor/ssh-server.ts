/** A private SSH server on this machine, with keys of its own, that ends with the tests. */
import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from '../../../scripts/command.ts'
import { freePort, waitUntil } from '../../../scripts/port.ts'
import type { SshTarget } from '../../../docs/examples/ssh-executor/ssh.ts'

const sshd = Bun.which('sshd', { PATH: '/usr/sbin:/usr/local/sbin' })
const canRun = sshd !== null && Bun.which('ssh') !== null && process.getuid?.() === 0

/** Under CI a missing server is a failure; elsewhere it is said aloud. */
export const hasSshd = canRun || process.env['CI'] === 'true'
if (!hasSshd)
  process.stderr.write('SSHD IS MISSING (openssh-server, root): its tests are skipped\n')

export interface SshServer extends AsyncDisposable {
  readonly target: SshTarget
  /** Nothing answers, and what was connected is cut off. */
  down(): Promise<void>
  up(): Promise<void>
}

export const startSshServer = async (): Promise<SshServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-ssh-'))
  const at = (name: string) => join(folder, name)
  for (const name of ['host', 'user']) {
    await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at(name)])
  }
  const port = freePort()
  const config = [
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('user.pub')}`,
    `PidFile ${at('pid')}`,
    'StrictModes no',
    'UsePAM no',
  ]
  await Bun.write(at('config'), `${config.join('\n')}\n`)
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const launch = async () => {
    const listen = ['-o', `Port ${port}`, '-o', 'ListenAddress 127.0.0.1']
    const child = Bun.spawn([sshd ?? 'sshd', '-D', '-e', '-f', at('config'), ...listen], {
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    await waitUntil('sshd', () => answers(port))
    return child
  }
  let server = await launch()
  const down = async () => {
    server.kill('SIGKILL')
    await server.exited
  }
  const known = `[127.0.0.1]:${port} ${await Bun.file(at('host.pub')).text()}`
  await Bun.write(at('known'), known)
  const options = { IdentityFile: at('user'), UserKnownHostsFile: at('known'), Port: port }
  return {
    target: {
      host: '127.0.0.1',
      options: [
        ...['-F', 'none', '-o', 'IdentitiesOnly=yes', '-o', 'User=root'],
        ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
      ],
    },
    down,
    async up() {
      server = await launch()
    },
    async [Symbol.asyncDispose]() {
      await down()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const answers = async (port: number): Promise<boolean> => {
  try {
    const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } })
    socket.end()
    return true
  } catch {
    return false
  }
}
