/** Structured logs: pretty on a terminal, JSON lines otherwise, secrets masked. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
  /** A logger whose every line carries `fields` too. */
  with(fields: Record<string, unknown>): Logger
}
