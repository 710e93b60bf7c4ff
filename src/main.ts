/** The program: argv decides what it is. The one place where everything is wired together. */

import type { Options } from './cli/arguments.ts'
import type { ClientVerb } from './cli/client-verb.ts'

/** One verb of the command line. Answers the exit code. */
export type Verb = (args: readonly string[]) => Promise<number>

const start: Verb = async (args) => {
  ;(await import('./cli/modest-heap.ts')).useModestHeap(['start', ...args])
  return (await import('./cli/start.ts')).start(args)
}

/** A verb that speaks to a server, and has a help text of its own. */
const client =
  <O extends Options>(load: () => Promise<ClientVerb<O>>): Verb =>
  async (args) =>
    (await import('./cli/client-verb.ts')).runClientVerb(await load(), args)

const clientVerbs: Readonly<Record<string, Verb>> = {
  run: client(async () => (await import('./cli/run.ts')).run),
  jobs: client(async () => (await import('./cli/jobs.ts')).jobs),
  job: client(async () => (await import('./cli/job.ts')).job),
  logs: client(async () => (await import('./cli/logs.ts')).logs),
  pull: client(async () => (await import('./cli/pull.ts')).pull),
  cancel: client(async () => (await import('./cli/control.ts')).cancel),
  pause: client(async () => (await import('./cli/control.ts')).pause),
  resume: client(async () => (await import('./cli/control.ts')).resume),
  retry: client(async () => (await import('./cli/control.ts')).retry),
  nodes: client(async () => (await import('./cli/nodes.ts')).nodes),
  scenario: client(async () => (await import('./cli/scenario.ts')).scenario),
}

/** Each verb loads what it needs and no more: a shim stands beside every job that runs. */
const verbs: Readonly<Record<string, Verb>> = {
  ...clientVerbs,
  start,
  serve: start,
  migrate: async (args) => (await import('./cli/migrate.ts')).migrateAll(args),
  doctor: async (args) => (await import('./cli/doctor.ts')).doctor(args),
  agent: async (args) => (await import('./cli/agent.ts')).agent(args),
  shim: async (args) => (await import('./cli/shim.ts')).shim(args),
  train: async () => (await import('./cli/train.ts')).train(),
  converse: async (args) => (await import('./cli/converse.ts')).converse(args),
  harness: async (args) => (await import('./cli/harness.ts')).harness(args),
  environment: async (args) => (await import('./cli/environment.ts')).environment(args),
  version: async () => {
    const { sdkVersion } = await import('./kernel/boot.ts')
    process.stdout.write(`hearth ${sdkVersion}\n`)
    return 0
  },
  help: async () => {
    process.stdout.write(help)
    return 0
  },
}

const help = `Hearth, a machine-learning workbench in one binary

  hearth run -- python train.py      run it on a node, with the files of this folder
  hearth run --gpus 1 --gpu-memory 40G -- python train.py
  hearth jobs                        what runs, what waits, what has ended
  hearth job last                    all about the last job of this folder
  hearth logs -f last                what it prints
  hearth pull last                   what it left behind
  hearth cancel | pause | resume | retry ID...
  hearth nodes                       the machines that run jobs
  hearth scenario lint FILE          what is wrong with a scenario of yours

  hearth start                       serve on http://127.0.0.1:8000, data in ./data
  PORT=9000 DATA_DIR=/srv/h hearth start
  hearth start --config my.json      plugins, CORS, limits: see docs/configuration.md
  hearth agent --server URL --token T    lend this machine to a server: see docs/agents.md
  hearth migrate                     bring the database up to date, then leave
  hearth doctor                      what is wrong with this set-up, and what to do about it
  hearth doctor --json               the same for scripts
  hearth version

\`hearth run --help\` and so on say more. HEARTH_URL is the server that verbs speak to,
HEARTH_TOKEN the key for it; with --json every verb prints JSON and nothing else.
`

const aliases: Readonly<Record<string, string>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '-v': 'version',
}

const main = async (argv: readonly string[]): Promise<number> => {
  const [given = 'help', ...args] = argv
  const name = aliases[given] ?? given
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined
  if (!verb) {
    const { nearest } = await import('./cli/nearest.ts')
    const meant = nearest(given, Object.keys(verbs))
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`
    process.stderr.write(`hearth: no such verb: ${given}${hint}\n\n${help}`)
    return 2
  }
  const hasOwnHelp = Object.hasOwn(clientVerbs, given)
  if (!hasOwnHelp && (args.includes('--help') || args.includes('-h'))) {
    process.stdout.write(help)
    return 0
  }
  try {
    return await verb(args)
  } catch (error) {
    process.stderr.write(`${await explain(error)}\n`)
    return 1
  }
}

/** Problems of the set-up are listed; anything else shows its message and where it came from. */
const explain = async (error: unknown): Promise<string> => {
  const { BootError } = await import('./kernel/order.ts')
  if (error instanceof BootError) {
    return ['hearth cannot start:', ...error.problems.map((line) => `  - ${line}`)].join('\n')
  }
  if (!(error instanceof Error)) return `hearth: ${String(error)}`
  return process.env['LOG_LEVEL'] === 'debug' ? String(error.stack) : `hearth: ${error.message}`
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
