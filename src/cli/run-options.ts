/** What `hearth run` takes, and the submission that comes of it. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Plan } from '../jobs/plan.ts'
import { sandboxLevels } from '../jobs/plan.ts'
import type { Submission } from '../jobs/submission.ts'
import { type Given, UsageError, wholeNumberOf } from './arguments.ts'
import { nearest } from './nearest.ts'
import { parseDuration, parseSize } from './quantities.ts'

const text = { type: 'string' } as const
const list = { type: 'string', multiple: true } as const
const flag = { type: 'boolean', default: false } as const

export const runOptions = {
  gpus: text,
  'gpu-memory': text,
  'gpu-model': text,
  cpus: text,
  memory: text,
  disk: text,
  image: text,
  label: list,
  requirements: { type: 'string', short: 'r' },
  python: text,
  sandbox: text,
  'no-network': flag,
  env: { type: 'string', short: 'e', multiple: true },
  secret: list,
  name: text,
  project: text,
  timeout: text,
  grace: text,
  priority: text,
  after: list,
  retry: text,
  output: { type: 'string', short: 'o', multiple: true },
  folder: text,
  'no-folder': flag,
  detach: { type: 'boolean', short: 'd', default: false },
} as const

export type RunValues = Given<typeof runOptions>['values']
type Environment = Readonly<Record<string, string | undefined>>

/** Without files, project and jobs to follow: those are the server's to know. @throws UsageError */
export const submissionOf = (
  values: RunValues,
  command: readonly string[],
  env: Environment,
): Submission & { plan: Plan } => {
  if (command.length === 0) throw new UsageError('what is to be run? hearth run -- COMMAND')
  const retries = count('retry', values.retry)
  const timeoutMs = duration('timeout', values.timeout)
  const secrets = assignments('secret', values.secret, env)
  const priority = count('priority', values.priority, -1000)
  return {
    name: values.name ?? nameOf(command),
    plan: planOf(values, command, env),
    ...(priority !== undefined && { priority }),
    ...(timeoutMs !== undefined && { timeout_ms: timeoutMs }),
    ...(secrets && { secrets }),
    ...(retries && { policy: { on_disconnect: 'retry', max_attempts: retries + 1 } }),
  }
}

const planOf = (values: RunValues, command: readonly string[], env: Environment): Plan => {
  const variables = assignments('env', values.env, env)
  const needs = needsOf(values)
  const limits = limitsOf(values)
  const python = pythonOf(values)
  const graceMs = duration('grace', values.grace)
  return {
    command: [...command],
    ...(variables && { env: variables }),
    ...(values.output && { outputs: values.output }),
    ...(python && { python }),
    ...(values.image !== undefined && { image: values.image }),
    ...(values.sandbox !== undefined && { sandbox: sandboxOf(values.sandbox) }),
    ...(values['no-network'] && { network: false }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(Object.keys(needs).length > 0 && { needs }),
    ...(graceMs !== undefined && { graceMs }),
  }
}

/** `python train.py`: without the folders and the values of options. */
const nameOf = (command: readonly string[]): string => {
  const [program = '', ...rest] = command
  const script = rest.find((word) => !word.startsWith('-'))
  const name = script === undefined ? basename(program) : `${basename(program)} ${script}`
  return name.replace(/[\x00-\x1f\x7f]+/g, ' ').slice(0, 80) || 'command'
}

const needsOf = (values: RunValues): NonNullable<Plan['needs']> => {
  const gpuMemoryBytes = size('gpu-memory', values['gpu-memory'])
  const wantsGpu = gpuMemoryBytes !== undefined || values['gpu-model'] !== undefined
  const gpus = count('gpus', values.gpus) ?? (wantsGpu ? 1 : undefined)
  return {
    ...(gpus !== undefined && { gpus }),
    ...(gpuMemoryBytes !== undefined && { gpuMemoryBytes }),
    ...(values['gpu-model'] !== undefined && { gpuModel: values['gpu-model'] }),
    ...(values.label && { labels: values.label }),
  }
}

/** A limit asks for as much as it allows, so it finds a node that has it. */
const limitsOf = (values: RunValues): NonNullable<Plan['limits']> => {
  const memoryBytes = size('memory', values.memory)
  const diskBytes = size('disk', values.disk)
  const cpus = values.cpus === undefined ? undefined : Number(values.cpus)
  if (cpus !== undefined && !(cpus > 0 && cpus <= 4096)) {
    throw new UsageError(`--cpus: expected a number like 2 or 0.5, not ${values.cpus}`)
  }
  return {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(cpus !== undefined && { cpus }),
    ...(diskBytes !== undefined && { diskBytes }),
  }
}

const pythonOf = ({ requirements, python }: RunValues): Plan['python'] => {
  if (requirements === undefined && python === undefined) return undefined
  if (python !== undefined && !/^3\.\d{1,2}$/.test(python)) {
    throw new UsageError(`--python: expected a version like 3.11, not ${python}`)
  }
  return {
    requirements: requirements === undefined ? [] : linesOf(requirements),
    ...(python !== undefined && { version: python }),
  }
}

const linesOf = (path: string): string[] => {
  try {
    return readFileSync(path, 'utf8').trimEnd().split(/\r?\n/)
  } catch {
    throw new UsageError(`--requirements: cannot read ${path}`)
  }
}

const sandboxOf = (level: string): NonNullable<Plan['sandbox']> => {
  const known = sandboxLevels.find((name) => name === level)
  if (known) return known
  const meant = nearest(level, sandboxLevels)
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  throw new UsageError(`--sandbox: ${level} is none of ${sandboxLevels.join(', ')}${hint}`)
}

/** `NAME=VALUE`, or `NAME` for the value that it has here. */
const assignments = (
  option: string,
  given: readonly string[] | undefined,
  env: Environment,
): Record<string, string> | undefined => {
  if (!given) return undefined
  return Object.fromEntries(
    given.map((pair) => {
      const at = pair.indexOf('=')
      const name = at < 0 ? pair : pair.slice(0, at)
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        throw new UsageError(`--${option}: ${JSON.stringify(name)} cannot name a variable`)
      }
      const value = at < 0 ? env[name] : pair.slice(at + 1)
      if (value === undefined) throw new UsageError(`--${option} ${name}: it is not set here`)
      return [name, value]
    }),
  )
}

const count = (option: string, given: string | undefined, min = 0): number | undefined =>
  given === undefined ? undefined : wholeNumberOf(option, given, min)

const size = (option: string, given: string | undefined): number | undefined => {
  if (given === undefined) return undefined
  const bytes = parseSize(given)
  if (bytes !== undefined) return bytes
  throw new UsageError(`--${option}: expected a size like 8G or 512M, not ${given}`)
}

const duration = (option: string, given: string | undefined): number | undefined => {
  if (given === undefined) return undefined
  const ms = parseDuration(given)
  if (ms !== undefined) return ms
  throw new UsageError(`--${option}: expected a time like 90s, 2h or 1h30m, not ${given}`)
}
