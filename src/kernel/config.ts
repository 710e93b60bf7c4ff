/** Settings: environment first, then the config file; unknown or wrong ones refuse the boot. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Static, type TSchema, Type as t } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { isLoopback } from '../auth/guard.ts'
import { BootError } from './order.ts'
import { unionMessage } from './union-message.ts'

const PluginSettings = t.Object(
  {
    /** A TypeScript file or folder outside the program; absent for built-in plugins. */
    path: t.Optional(t.String({ minLength: 1 })),
    /** An optional plugin that fails answers 503; a required one stops the boot. */
    optional: t.Optional(t.Boolean()),
    enabled: t.Optional(t.Boolean()),
    /** Checked against the plugin's own schema. */
    config: t.Optional(t.Record(t.String(), t.Unknown())),
  },
  { additionalProperties: false },
)

const Budget = t.Object(
  { perMinute: t.Integer({ minimum: 1 }), perHour: t.Integer({ minimum: 1 }) },
  { additionalProperties: false },
)

const FileSettings = t.Object(
  {
    plugins: t.Optional(t.Record(t.String(), PluginSettings)),
    corsOrigins: t.Optional(t.Array(t.String({ minLength: 1 }))),
    allowedHosts: t.Optional(t.Array(t.String({ minLength: 1 }))),
    trustProxy: t.Optional(t.Boolean()),
    maxBodyBytes: t.Optional(t.Integer({ minimum: 1024 })),
    startTimeoutMs: t.Optional(t.Integer({ minimum: 1 })),
    drainTimeoutMs: t.Optional(t.Integer({ minimum: 0 })),
    jobs: t.Optional(
      t.Object(
        { localSlots: t.Optional(t.Integer({ minimum: 0 })) },
        { additionalProperties: false },
      ),
    ),
    rateLimits: t.Optional(
      t.Object(
        {
          api: t.Optional(Budget),
          ingest: t.Optional(Budget),
          login: t.Optional(Budget),
          agent: t.Optional(Budget),
          upload: t.Optional(Budget),
          create: t.Optional(Budget),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)

const Environment = t.Object({
  PORT: t.Integer({ minimum: 0, maximum: 65535, default: 8000 }),
  HOST: t.String({ minLength: 1, default: '127.0.0.1' }),
  DATA_DIR: t.String({ minLength: 1, default: './data' }),
  DATABASE_URL: t.Optional(t.String({ pattern: '^postgres(ql)?://' })),
  REDIS_URL: t.Optional(t.String({ pattern: '^rediss?://' })),
  AUTH: t.Optional(t.Union([t.Literal('open'), t.Literal('required')])),
  RATE_LIMITS: t.Optional(t.Union([t.Literal('on'), t.Literal('off')])),
  /** Jobs at once on the server's own machine; 0: none. */
  LOCAL_SLOTS: t.Optional(t.Integer({ minimum: 0, maximum: 10_000 })),
  SECRET_KEY: t.Optional(t.String({ minLength: 32 })),
  LOG_LEVEL: t.Union(
    ['debug', 'info', 'warn', 'error'].map((level) => t.Literal(level)),
    { default: 'info' },
  ),
})

export type FileConfig = Static<typeof FileSettings>
export type EnvironmentConfig = Static<typeof Environment> & {
  LOG_LEVEL: 'debug' | 'info' | 'warn' | 'error'
}

export interface Settings extends EnvironmentConfig {
  readonly file: FileConfig
  /** Whether the server is reachable from this machine only. */
  readonly loopback: boolean
  /** Whether every route but health, login and docs needs a token. */
  readonly authRequired: boolean
  readonly rateLimited: boolean
}

/** @throws BootError listing everything that is wrong, each with its name and where it stands */
export const readSettings = (
  env: Readonly<Record<string, string | undefined>>,
  filePath?: string,
): Settings => {
  const problems: string[] = []
  const environment = readEnvironment(env, problems)
  const file = readConfigFile(filePath, problems)
  if (problems.length > 0) throw new BootError(problems)
  const loopback = isLoopback(environment.HOST)
  // A proxy on this machine would make everybody look local.
  const authRequired = environment.AUTH === 'required' || !loopback || file.trustProxy === true
  const rateLimited = environment.RATE_LIMITS ? environment.RATE_LIMITS === 'on' : authRequired
  return { ...environment, file, loopback, authRequired, rateLimited }
}

const readEnvironment = (
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): EnvironmentConfig => {
  const given = Object.fromEntries(
    Object.keys(Environment.properties).flatMap((name) =>
      env[name] === undefined || env[name] === '' ? [] : [[name, env[name]]],
    ),
  )
  const value = Value.Convert(Environment, Value.Default(Environment, given))
  problems.push(...schemaProblems(Environment, value, 'environment'))
  return value as EnvironmentConfig
}

/** Paths in the file are meant from where the file lies. */
const withPaths = (config: FileConfig, folder: string): FileConfig => {
  if (!config.plugins) return config
  const plugins = Object.entries(config.plugins).map(([id, { path, ...rest }]) => [
    id,
    path === undefined ? rest : { ...rest, path: resolve(folder, path) },
  ])
  return { ...config, plugins: Object.fromEntries(plugins) }
}

const readConfigFile = (path: string | undefined, problems: string[]): FileConfig => {
  const file = path ?? 'hearth.config.json'
  if (!existsSync(file)) {
    if (path) problems.push(`config file ${path} does not exist`)
    return {}
  }
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const wrong = schemaProblems(FileSettings, value, file)
    problems.push(...wrong)
    return wrong.length > 0 ? {} : withPaths(value as FileConfig, dirname(file))
  } catch (error) {
    problems.push(`config file ${file} cannot be read: ${(error as Error).message}`)
    return {}
  }
}

/** Every way in which `value` fails `schema`, as one readable line each. */
export const schemaProblems = (schema: TSchema, value: unknown, where: string): string[] =>
  [...Value.Errors(schema, value)].map((error) => {
    const name = error.path.slice(1).replaceAll('/', '.') || '(all)'
    if (error.message === 'Unexpected property') return `${where}: ${name} is not a known setting`
    const secret = /secret|password|token|url|key/i.test(name)
    const found = secret || error.value === undefined ? '' : `, not ${JSON.stringify(error.value)}`
    const wanted = unionMessage(error) ?? error.message
    return `${where}: ${name}: ${wanted.charAt(0).toLowerCase()}${wanted.slice(1)}${found}`
  })
