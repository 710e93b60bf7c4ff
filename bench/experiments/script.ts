/** The model that both sides ask: it has nine programs, and mends the one that fails when asked. */
import { programSaid, startModelServer } from '../../scripts/model-server.ts'
import { mended, mistake, programs } from './programs.ts'

export interface ScriptedModel extends AsyncDisposable {
  readonly url: string
  /** When programs were asked for since the last rewind, in milliseconds since the epoch. */
  readonly askedAt: readonly number[]
  /** Begins with the first program again. */
  rewind(): void
}

export const startScriptedModel = (): ScriptedModel => {
  let told = 0
  const askedAt: number[] = []
  const server = startModelServer({
    program({ prompt }) {
      askedAt.push(Date.now())
      if (prompt.includes(mistake)) return programSaid(mended)
      const program = programs[told++]
      if (!program) return Response.json({ error: 'All programs are told' }, { status: 400 })
      return programSaid(program)
    },
  })
  return {
    url: server.url,
    askedAt,
    rewind() {
      askedAt.length = 0
      told = 0
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
