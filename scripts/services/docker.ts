/** Installs a container engine for the tests, and starts private ones that end with them. */
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must, run } from '../command.ts'
import { waitUntil } from '../port.ts'
import { aptInstall } from './apt.ts'
import { found, type Service } from './service.ts'

const name = 'Docker'

export const docker = async (): Promise<Service> => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Error('A private container engine needs root on Linux')
  if (!Bun.which('dockerd') || !Bun.which('busybox'))
    await aptInstall('docker.io', 'busybox-static')
  const engine = await startEngine()
  await engine.stop()
  return found(name, 'started and stopped a private engine', {})
}

export interface PrivateEngine {
  /** As in the variable DOCKER_HOST. */
  readonly host: string
  /** Makes an image of busybox under these names alone: with `sh` among them it has a shell. */
  image(tag: string, programs: readonly string[]): Promise<void>
  /** Without warning, as when the machine fails; the containers' own processes live on. */
  kill(): Promise<void>
  /** The same engine again: what it had is there. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Without a network of its own: it touches nothing of the machine but its own folder. */
export const startEngine = async (): Promise<PrivateEngine> => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-engine-'))
  const socket = join(folder, 'docker.sock')
  const host = `unix://${socket}`
  const log = openSync(join(folder, 'engine.log'), 'a')
  const spawn = (...argv: string[]) => Bun.spawn(argv, { stdio: ['ignore', log, log] })
  // As on a real machine, what keeps the containers is not the daemon itself.
  const containerd = spawn('containerd', `--config=${await writeContainerdConfig(folder)}`)
  const launch = async () => {
    const child = spawn('dockerd', ...flags(folder, host))
    await waitUntil(name, async () => {
      if (child.exitCode === null) return answers(socket)
      throw new Error(`dockerd ended, see ${join(folder, 'engine.log')}`)
    })
    return child
  }
  let daemon = await launch()
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    daemon.kill(signal)
    await daemon.exited
  }
  return {
    host,
    image: (tag, programs) => importImage({ folder, host, tag, programs }),
    kill: () => end('SIGKILL'),
    async restart() {
      if (daemon.exitCode === null && daemon.signalCode === null) await end('SIGTERM')
      daemon = await launch()
    },
    async stop() {
      await removeAll(socket)
      await end('SIGTERM')
      containerd.kill('SIGTERM')
      await containerd.exited
      closeSync(log)
      await unmountAll(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const containerdSocket = (folder: string) => join(folder, 'containerd.sock')

const writeContainerdConfig = async (folder: string): Promise<string> => {
  const path = join(folder, 'containerd.toml')
  const config = [
    'version = 2',
    `root = "${join(folder, 'containerd')}"`,
    `state = "${join(folder, 'containerd-state')}"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    '[grpc]',
    `address = "${containerdSocket(folder)}"`,
  ]
  await Bun.write(path, `${config.join('\n')}\n`)
  return path
}

const flags = (folder: string, host: string): string[] => [
  `--host=${host}`,
  `--containerd=${containerdSocket(folder)}`,
  `--data-root=${join(folder, 'data')}`,
  `--exec-root=${join(folder, 'run')}`,
  `--pidfile=${join(folder, 'dockerd.pid')}`,
  // Containers run on while their engine is away.
  '--live-restore',
  '--bridge=none',
  '--iptables=false',
  '--ip-forward=false',
  '--ip-masq=false',
]

const answers = async (socket: string): Promise<boolean> => {
  try {
    return (await fetch('http://engine/_ping', { unix: socket })).ok
  } catch {
    return false
  }
}

/** They would outlive their engine. */
const removeAll = async (socket: string): Promise<void> => {
  const list = await fetch('http://engine/containers/json?all=1', { unix: socket })
  for (const { Id } of (await list.json()) as { Id: string }[]) {
    const options = { unix: socket, method: 'DELETE' }
    await fetch(`http://engine/containers/${Id}?force=1&v=1`, options)
  }
}

/** A daemon that was killed leaves what it had mounted. */
const unmountAll = async (folder: string): Promise<void> => {
  const mounts = (await Bun.file('/proc/mounts').text()).split('\n')
  const ours = mounts.map((line) => line.split(' ')[1] ?? '').filter((at) => at.startsWith(folder))
  for (const at of ours.toReversed()) await run(['umount', at])
}

interface ImageOptions {
  readonly folder: string
  readonly host: string
  readonly tag: string
  readonly programs: readonly string[]
}

const importImage = async ({ folder, host, tag, programs }: ImageOptions): Promise<void> => {
  const root = await mkdtemp(join(folder, 'root-'))
  await mkdir(join(root, 'bin'))
  const busybox = Bun.which('busybox')
  if (!busybox) throw new Error('There is no busybox')
  for (const program of programs) await run(['cp', busybox, join(root, 'bin', program)])
  const archive = join(folder, 'root.tar')
  await must(['tar', '-C', root, '-cf', archive, '.'])
  const query = new URLSearchParams({ fromSrc: '-', repo: tag })
  const response = await fetch(`http://engine/images/create?${query}`, {
    unix: host.slice('unix://'.length),
    method: 'POST',
    body: Bun.file(archive),
  })
  const said = await response.text()
  if (!response.ok || said.includes('"error"')) throw new Error(`No image was made: ${said}`)
  await rm(root, { recursive: true })
}
