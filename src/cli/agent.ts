/** `hearth agent`: lends this machine to a server, calling out only. */
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Agent, createAgent, standardExecutors, type Transport } from '../../runners/agent.ts'
import { OutdatedError, RevokedError } from '../../runners/agent/answers.ts'
import { credentialOf } from '../../runners/agent/credential.ts'
import { httpTransport } from '../../runners/agent/http-transport.ts'
import type { StandardExecutors } from '../../runners/agent/standard-executors.ts'
import { loadExecutor } from './executor-file.ts'
import { sdkVersion } from '../kernel/boot.ts'
import { systemClock } from '../kernel/clock.ts'
import { type Logger, type LogLevel, standardLogger } from '../kernel/log.ts'
import type { Verb } from '../main.ts'
import { DataDirInUseError, lockDataDir } from '../storage/lock.ts'

const help = `Lends this machine to a Hearth server

  hearth agent --server https://hearth.example --token hjoin_...
  hearth agent --server https://hearth.example        once it has joined
  hearth agent --server URL --labels ssd,site=berlin --slots 2
  hearth agent --server URL --ca company-ca.pem       a private certificate authority

  --server URL    the server (or HEARTH_URL)
  --token TOKEN   a join token, needed once (or HEARTH_JOIN_TOKEN); made by: hearth nodes token
  --name NAME     how the node is called; default: the name of the host
  --labels A,B=C  what jobs may ask for, beside os, arch and hostname
  --slots N       jobs at once; default: one for each processor
  --state DIR     what the node keeps; default: ~/.local/state/hearth-agent
  --ca FILE       certificates of a private authority, trusted instead of the public ones
  --executor FILE run programs where this TypeScript file says: docs/executors.md
  --drain MODE    at SIGTERM: leave (default) what runs to the next agent, or wait for it

It only calls out, through HTTPS_PROXY or HTTP_PROXY unless NO_PROXY says otherwise.
`

/** What service managers should not start again without a person. */
const needsOwner = 78

export const agent: Verb = async (args) => {
  const options = readOptions(args)
  if (typeof options === 'string') {
    process.stderr.write(`hearth agent: ${options}\n\n${help}`)
    return 2
  }
  const log = standardLogger((process.env['LOG_LEVEL'] as LogLevel | undefined) ?? 'info')
  const lock = takeFolder(options.stateDir)
  try {
    return await work(options, log)
  } catch (error) {
    const message = whatToDo(error)
    if (message === null) throw error
    process.stderr.write(`hearth agent: ${message}\n`)
    return needsOwner
  } finally {
    lock.release()
  }
}

interface Options {
  readonly server: string
  readonly token: string | undefined
  readonly name: string
  readonly labels: readonly string[]
  readonly slots: number | undefined
  readonly stateDir: string
  readonly caFile: string | undefined
  readonly waits: boolean
  readonly executorFile: string | undefined
}

/** The options, or what is wrong with them. */
const readOptions = (args: readonly string[]): Options | string => {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      server: text,
      token: text,
      name: text,
      labels: text,
      slots: text,
      state: text,
      ca: text,
      drain: text,
      executor: text,
    },
  })
  const { env } = process
  const server = values.server ?? env['HEARTH_URL']
  if (!server || !/^https?:\/\//.test(server)) return 'which server? Give --server URL'
  const slots = values.slots === undefined ? undefined : Number(values.slots)
  if (slots !== undefined && !(Number.isInteger(slots) && slots >= 0)) return '--slots is no number'
  const { drain = 'leave' } = values
  if (drain !== 'leave' && drain !== 'wait') return '--drain is leave or wait'
  const stateHome = env['XDG_STATE_HOME'] || join(env['HOME'] ?? '/var/lib', '.local/state')
  return {
    server: server.replace(/\/+$/, ''),
    token: values.token ?? env['HEARTH_JOIN_TOKEN'],
    name: values.name ?? hostname(),
    labels: (values.labels ?? '').split(',').flatMap((label) => label.trim() || []),
    slots,
    stateDir: resolve(values.state ?? join(stateHome, 'hearth-agent')),
    caFile: values.ca,
    waits: drain === 'wait',
    executorFile: values.executor,
  }
}

const takeFolder = (stateDir: string) => {
  try {
    return lockDataDir(stateDir)
  } catch (error) {
    if (!(error instanceof DataDirInUseError)) throw error
    const who = error.pid === null ? 'another agent' : `the agent with process id ${error.pid}`
    throw new Error(`${stateDir} is in use by ${who}: stop it, or give --state another folder`)
  }
}

/** Elsewhere there are neither this machine's folders nor its Python. */
const executorsOf = async ({ stateDir, executorFile }: Options): Promise<StandardExecutors> => {
  if (executorFile === undefined) return standardExecutors(stateDir)
  const attemptsDir = join(stateDir, 'attempts')
  return { executors: [await loadExecutor(executorFile, { attemptsDir })], pythonPath: [] }
}

const work = async (options: Options, log: Logger): Promise<number> => {
  const { server, stateDir, token, name, caFile, slots, labels } = options
  const { env } = process
  const { executors, pythonPath } = await executorsOf(options)
  const transport = httpTransport({ server, env, ...(caFile !== undefined && { caFile }) })
  const identity = await credentialOf({
    stateDir,
    server,
    transport,
    name,
    version: sdkVersion,
    ...(token !== undefined && { token }),
  })
  const running = await createAgent({
    stateDir,
    transport,
    credential: identity.credential,
    version: sdkVersion,
    executors,
    pythonPath,
    log,
    clock: systemClock,
    labels,
    ...(slots !== undefined && { slots }),
  })
  process.stdout.write(`node ${identity.node} works for ${server}\n`)
  const endOnSignal = listen(running, options.waits, log)
  await running.run()
  await endOnSignal()
  return 0
}

/** The first signal drains; a second one leaves at once. Answers what to wait for at the end. */
const listen = (running: Agent, waits: boolean, log: Logger): (() => Promise<void>) => {
  let leaving: Promise<void> | undefined
  let seen = 0
  const heard = (signal: string) => {
    if (++seen > 2) process.exit(130)
    if (waits && seen === 1) {
      log.info(`${signal}: no new work; waiting for what runs`)
      running.drain()
      return
    }
    log.info(`${signal}: leaving; what runs goes on and is taken up by the next agent`)
    leaving ??= running.stop()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, heard)
  return async () => leaving
}

const whatToDo = (error: unknown): string | null => {
  if (error instanceof RevokedError) {
    return `the server refuses this node: ${error.message}. Join again with a new --token`
  }
  if (error instanceof OutdatedError) {
    return `agent and server do not fit: ${error.message}. This agent is version ${sdkVersion}`
  }
  return null
}
