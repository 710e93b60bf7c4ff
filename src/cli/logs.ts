/** `hearth logs`: what a job printed, or prints. */
import { type ClientVerb, type Context } from './client-verb.ts'
import { oneJob } from './job-id.ts'
import { wholeNumberOf } from './arguments.ts'
import { persist } from './persist.ts'
import { Screen } from './screen.ts'
import { UnreachableError } from './api.ts'
import { tellEnd, watchJob } from './watch-job.ts'

const options = {
  follow: { type: 'boolean', short: 'f', default: false },
  tail: { type: 'string', short: 'n' },
  attempt: { type: 'string' },
} as const

export const logs: ClientVerb<typeof options> = {
  name: 'logs',
  help: `Print the log of a job

  hearth logs last
  hearth logs -f last
  hearth logs --tail 50 j4kq2
  hearth logs --attempt 1 j4kq2 > first-try.log

  --follow, -f     go on until the job has ended; what breaks the connection loses nothing
  --tail, -n N     only the last N lines
  --attempt N      default: the latest
  --json           {"type":"log","attempt":..,"offset":..,"text":..} a line
`,
  options,
  async run({ values, positionals }, context) {
    const query = {
      ...(values.tail !== undefined && { tail: String(wholeNumberOf('tail', values.tail)) }),
      ...(values.attempt !== undefined && {
        attempt: String(wholeNumberOf('attempt', values.attempt, 1)),
      }),
    }
    const id = await oneJob(positionals, context)
    if (!values.follow) return printLog(id, query, context)
    const screen = new Screen(context.output)
    const ended = await watchJob(id, { query, isTalkative: false }, context, screen)
    if (ended && process.stderr.isTTY) tellEnd(ended, context, screen)
    return 0
  },
}

/** The bytes as they are; a connection that breaks is taken up where it was. */
const printLog = async (
  id: string,
  query: Readonly<Record<string, string>>,
  { api, output }: Context,
): Promise<number> => {
  let next: { attempt: string; offset: number; end: number } | undefined
  const decoder = new TextDecoder()
  const print = async (): Promise<void> => {
    const wanted = next
      ? {
          attempt: next.attempt,
          offset: String(next.offset),
          limit: String(next.end - next.offset),
        }
      : query
    const response = await api.fetch(`/api/jobs/${id}/logs?${new URLSearchParams(wanted)}`)
    const number = (name: string) => Number(response.headers.get(name) ?? 0)
    const attempt = response.headers.get('x-log-attempt') ?? '1'
    next ??= { attempt, offset: number('x-log-offset'), end: number('x-log-size') }
    for await (const chunk of brokenIsAway(response)) {
      if (output.json) {
        const text = decoder.decode(chunk, { stream: true })
        await output.record({
          type: 'log',
          id,
          attempt: Number(attempt),
          offset: next.offset,
          text,
        })
      } else await output.raw(chunk)
      next.offset += chunk.length
    }
    if (next.offset < next.end) throw new UnreachableError('The log ended early')
  }
  await print().catch(async (error: unknown) => {
    if (!next) throw error
    await persist(print)
  })
  return 0
}

async function* brokenIsAway({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  if (!reader) return
  for (;;) {
    const next = await reader.read().catch((error: Error) => {
      throw new UnreachableError(`The connection broke: ${error.message}`)
    })
    if (next.done) return
    yield next.value
  }
}
