/** Wraps a plugin's routes so that the kernel words every error, and every success if asked. */
import { type AnyElysia, Elysia } from 'elysia'
import { contextOf } from './context.ts'
import type { Dialect } from './dialect.ts'
import { detailDialect } from './dialect.ts'
import type { Logger } from './log.ts'
import { failureOf, problemResponse } from './problem.ts'

/**
 * An app that handles `routes`; it never rejects and never shows what the program threw.
 * The hooks stand before the routes: declared after them, a plugin's own would win.
 */
export const mount = (routes: AnyElysia, dialect: Dialect = detailDialect, log: Logger) => {
  const app = new Elysia({ normalize: true }).onError(({ error, request }) =>
    answerError(error, request, dialect, log),
  )
  const { success } = dialect
  if (!success) return app.use(routes)
  return app
    .mapResponse(({ response, set }) => {
      if (response instanceof Response) return response
      return Response.json(success(response), { status: Number(set.status ?? 200) })
    })
    .use(routes)
}

/** Words an error in the dialect, and logs it when it is the program's own fault. */
export const answerError = (
  error: unknown,
  request: Request,
  dialect: Dialect,
  log: Logger,
): Response => {
  const requestId = contextOf(request).id
  const failure = failureOf(error, request, requestId, dialect)
  if (failure.internal) {
    const { pathname } = new URL(request.url)
    // A caller that hangs up in the middle is no failure of ours.
    const level = request.signal.aborted ? 'debug' : 'error'
    log[level]('request failed', { requestId, method: request.method, path: pathname, error })
  }
  return problemResponse(dialect, failure)
}
