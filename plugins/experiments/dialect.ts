/** How this plugin words its answers: an envelope around everything, as AIDE's document has it. */
import type { Dialect, Problem } from '../../src/sdk.ts'

const names: Readonly<Partial<Record<Problem['code'], string>>> = {
  validation: 'VALIDATION_ERROR',
  bad_request: 'VALIDATION_ERROR',
  malformed_json: 'VALIDATION_ERROR',
  unsupported_media_type: 'VALIDATION_ERROR',
  not_found: 'NOT_FOUND',
  too_large: 'FILE_TOO_LARGE',
  rate_limited: 'RATE_LIMITED',
  internal: 'INTERNAL_ERROR',
}

/** `2026-01-15T10:30:00Z`: in whole seconds, as the document has it. */
export const timeOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

export const timeOrNull = (ms: number | null): string | null => (ms === null ? null : timeOf(ms))

export const envelopeDialect: Dialect = {
  success: (data) => ({
    success: true,
    data: data ?? null,
    message: 'Operation completed successfully',
    timestamp: timeOf(Date.now()),
  }),
  // `detail` says the message again for clients of the original, which read nothing else.
  error: ({ code, reason, message, issues, requestId }) => ({
    success: false,
    error: {
      code: reason ?? names[code] ?? code.toUpperCase(),
      message,
      details: { requestId, ...(issues.length > 0 && { issues }) },
    },
    detail: message,
    timestamp: timeOf(Date.now()),
  }),
}
