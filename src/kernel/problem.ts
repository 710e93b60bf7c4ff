/** Turns whatever was thrown while a request was handled into a problem that may be shown. */
import type { ValueError } from '@sinclair/typebox/value'
import { ElysiaCustomStatusResponse, ValidationError } from 'elysia'
import {
  BlobTooLargeError,
  ConflictError,
  DigestMismatchError,
  DiskFullError,
  UnavailableError,
  UploadOffsetError,
} from '../storage/errors.ts'
import type { Dialect, Problem } from './dialect.ts'
import { type ErrorCode, errorTable, HearthError, type Issue } from './errors.ts'
import { unionMessage } from './union-message.ts'

/** More issues than this help nobody. */
const maxIssues = 20

interface Finding {
  readonly code: ErrorCode
  readonly message?: string
  readonly issues?: readonly Issue[]
  readonly headers?: Readonly<Record<string, string>>
  readonly reason?: string | undefined
  /** The program's own fault: logged with its cause, shown without it. */
  readonly internal?: boolean
}

/** What the kernel answers and logs about an error. */
export interface Failure {
  readonly problem: Problem
  readonly headers: Readonly<Record<string, string>>
  readonly internal: boolean
}

export const failureOf = (
  error: unknown,
  request: Request,
  requestId: string,
  dialect: Dialect,
): Failure => {
  const found = finding(error, request)
  const status =
    found.code === 'validation' ? (dialect.validationStatus ?? 422) : errorTable[found.code][0]
  return {
    problem: {
      status,
      code: found.code,
      message: found.message ?? errorTable[found.code][1],
      issues: found.issues ?? [],
      requestId,
      path: new URL(request.url).pathname,
      ...(found.reason !== undefined && { reason: found.reason }),
    },
    headers: found.headers ?? {},
    internal: found.internal ?? false,
  }
}

export const problemResponse = (dialect: Dialect, failure: Failure): Response =>
  Response.json(dialect.error(failure.problem), {
    status: failure.problem.status,
    headers: failure.headers,
  })

const finding = (error: unknown, request: Request): Finding => {
  if (error instanceof HearthError) {
    const { code, message, issues, headers, reason } = error
    return { code, message, issues, headers, reason, internal: error.status === 500 }
  }
  if (error instanceof ValidationError) return validationFinding(error, request)
  if (error instanceof ElysiaCustomStatusResponse) return statusFinding(error)
  if (error instanceof DiskFullError) return { code: 'disk_full' }
  if (error instanceof ConflictError) return { code: 'conflict' }
  if (error instanceof UnavailableError) return { code: 'unavailable', internal: true }
  if (error instanceof BlobTooLargeError) return { code: 'too_large', message: error.message }
  if (error instanceof UploadOffsetError) {
    const headers = { 'upload-offset': String(error.offset) }
    return { code: 'conflict', message: error.message, headers }
  }
  if (error instanceof DigestMismatchError) {
    return { code: 'precondition_failed', message: error.message }
  }
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  if (code === 'PARSE' && cause instanceof HearthError) return finding(cause, request)
  if (code === 'PARSE') return { code: 'malformed_json' }
  if (code === 'NOT_FOUND') return { code: 'not_found' }
  return { code: 'internal', internal: true }
}

const validationFinding = (error: ValidationError, request: Request): Finding => {
  if (error.type === 'response') return { code: 'internal', internal: true }
  const where = error.type === 'property' ? placeOf(error.value, request) : error.type
  const found = error.all.slice(0, maxIssues).map((issue) => issueOf(where, issue))
  // Several rules of one schema can fail at once with the same words.
  const issues = [
    ...new Map(found.map((issue) => [`${issue.path}: ${issue.message}`, issue])).values(),
  ]
  const message = issues.map(({ path, message }) => `${path}: ${message}`).join('; ')
  return { code: 'validation', message: message || errorTable.validation[1], issues }
}

/** Numbers of a query or path beyond their bounds are refused without their names: by the value. */
const placeOf = (value: unknown, request: Request): string => {
  const given = [...new URL(request.url).searchParams].find(([, text]) => text === String(value))
  return given ? `query.${given[0]}` : 'path'
}

const issueOf = (
  where: string,
  issue: {
    summary?: string | undefined
    path?: string
    message?: string
    schema?: { error?: unknown }
  } & Partial<Pick<ValueError, 'errors'>>,
): Issue => {
  const path = (issue.path ?? '').slice(1).replaceAll('/', '.')
  // A schema's own words are better than those made from its pattern.
  const own = typeof issue.schema?.error === 'string' ? issue.schema.error : undefined
  return {
    path: path ? `${where}.${path}` : where,
    message:
      own ??
      unionMessage(issue as Partial<ValueError>) ??
      issue.message ??
      issue.summary ??
      'is not valid',
  }
}

const statusFinding = (error: ElysiaCustomStatusResponse<number>): Finding => {
  const code = (Object.keys(errorTable) as ErrorCode[]).find(
    (name) => errorTable[name][0] === error.code,
  )
  const message = typeof error.response === 'string' ? { message: error.response } : {}
  return { code: code ?? 'internal', ...message }
}
