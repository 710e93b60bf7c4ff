/** The program: argv decides what it is. The one place where everything is wired together. */

/** One verb of the command line. Answers the exit code. */
export type Verb = (args: readonly string[]) => Promise<number>

const start: Verb = async (args) => (await import('./cli/start.ts')).start(args)

/** Each verb loads what it needs and no more: a shim stands beside every job that runs. */
const verbs: Readonly<Record<string, Verb>> = {
  start,
  serve: start,
  migrate: async (args) => (await import('./cli/migrate.ts')).migrateAll(args),
  doctor: async (args) => (await import('./cli/doctor.ts')).doctor(args),
  agent: async (args) => (await import('./cli/agent.ts')).agent(args),
  shim: async (args) => (await import('./cli/shim.ts')).shim(args),
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

  hearth start                       serve on http://127.0.0.1:8000, data in ./data
  PORT=9000 DATA_DIR=/srv/h hearth start
  hearth start --config my.json      plugins, CORS, limits: see docs/configuration.md
  hearth agent --server URL --token T    lend this machine to a server: see docs/agents.md
  hearth migrate                     bring the database up to date, then leave
  hearth doctor                      what is wrong with this set-up, and what to do about it
  hearth doctor --json               the same for scripts
  hearth version
`

const aliases: Readonly<Record<string, string>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '-v': 'version',
}

const main = async (argv: readonly string[]): Promise<number> => {
  const [given = 'help', ...args] = argv
  const verb = verbs[aliases[given] ?? given]
  if (!verb) {
    process.stderr.write(`hearth: no such verb: ${given}\n\n${help}`)
    return 2
  }
  if (args.includes('--help') || args.includes('-h')) {
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
