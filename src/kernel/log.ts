/** Structured logs: pretty on a terminal, JSON lines otherwise, secrets masked. */
import { requestScope } from './context.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
  /** A logger whose every line carries `fields` too. */
  with(fields: Record<string, unknown>): Logger
}

export interface LogOptions {
  readonly level: LogLevel
  readonly pretty: boolean
  readonly write: (line: string) => void
}

const order: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40 }

export const createLogger = (options: LogOptions, bound: Record<string, unknown> = {}): Logger => {
  const emit = (level: LogLevel, message: string, fields?: Record<string, unknown>) => {
    if (order[level] < order[options.level]) return
    const requestId = requestScope.getStore()?.id
    const scope = requestId === undefined ? {} : { requestId }
    const all = mask({ ...bound, ...scope, ...fields }) as Record<string, unknown>
    const format = options.pretty ? prettyLine : jsonLine
    options.write(`${format(level, maskText(message), all)}\n`)
  }
  return {
    debug: (message, fields) => emit('debug', message, fields),
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    error: (message, fields) => emit('error', message, fields),
    with: (fields) => createLogger(options, { ...bound, ...fields }),
  }
}

/** The logger of a server: to standard error, so that standard output stays for scripts. */
export const standardLogger = (level: LogLevel): Logger =>
  createLogger({
    level,
    pretty: process.stderr.isTTY === true,
    write: (line) => void process.stderr.write(line),
  })

export const silentLogger: Logger = createLogger({
  level: 'error',
  pretty: false,
  write: () => {},
})

const jsonLine = (level: LogLevel, message: string, fields: Record<string, unknown>): string =>
  JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })

const colors: Record<LogLevel, string> = { debug: '90', info: '32', warn: '33', error: '31' }

const prettyLine = (level: LogLevel, message: string, fields: Record<string, unknown>): string => {
  const time = new Date().toISOString().slice(11, 23)
  const tail = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `\x1b[90m${key}=\x1b[0m${show(value)}`)
    .join(' ')
  return `\x1b[90m${time}\x1b[0m \x1b[${colors[level]}m${level.padEnd(5)}\x1b[0m ${message} ${tail}`
}

const show = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))

/** Field names whose values never belong in a log. */
const secretName = /pass(word)?|secret|token|authorization|cookie|api[-_]?key|credential|dsn/i

/** Shapes of secrets inside any text: bearer tokens, JWTs, our API keys, passwords in URLs. */
const secretText: readonly [RegExp, string][] = [
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 ***'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '***'],
  [/\bhearth_[\w-]{8,}/g, 'hearth_***'],
  [/\bsk-[\w-]{8,}/g, 'sk-***'],
  [/(\w+:\/\/[^\s:/@]*:)[^\s@/]+@/g, '$1***@'],
  [/([?&](?:access_)?token=)[^&\s]+/gi, '$1***'],
]

export const maskText = (text: string): string =>
  secretText.reduce((masked, [pattern, by]) => masked.replace(pattern, by), text)

const mask = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'string') return maskText(value)
  if (value instanceof Error) {
    return {
      name: value.name,
      message: maskText(value.message),
      stack: maskText(value.stack ?? ''),
    }
  }
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null || depth > 6) return value
  if (Array.isArray(value)) return value.map((item) => mask(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      secretName.test(key) && item !== undefined && item !== null ? '***' : mask(item, depth + 1),
    ]),
  )
}
