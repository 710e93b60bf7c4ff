/** The messages of OpenEnv's protocol, version 0.3: what comes in, what goes out, what is wrong. */
import { type Static, type TSchema, Type as t } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

export type WireErrorCode =
  | 'INVALID_JSON'
  | 'UNKNOWN_TYPE'
  | 'VALIDATION_ERROR'
  | 'EXECUTION_ERROR'
  | 'CAPACITY_REACHED'
  | 'FACTORY_ERROR'
  | 'SESSION_ERROR'

/** Something that is answered with an `error` message; the session goes on. */
export class WireError extends Error {
  readonly code: WireErrorCode
  readonly more: object

  constructor(code: WireErrorCode, message: string, more: object = {}) {
    super(message)
    this.code = code
    this.more = more
  }

  get data() {
    return { message: this.message, code: this.code, ...this.more }
  }
}

const closed = { additionalProperties: false } as const

/** What is not known is passed over, as servers of this protocol do with what `reset` is given. */
export const ResetData = t.Object({
  /** Of the training split: the other two are not played for whoever trains elsewhere. */
  seed: t.Optional(t.Union([t.Integer({ minimum: 0, maximum: 2 ** 40 - 1 }), t.Null()])),
  episode_id: t.Optional(t.Union([t.String({ maxLength: 255 }), t.Null()])),
})
export type ResetData = Static<typeof ResetData>

const metadata = t.Optional(t.Record(t.String(), t.Unknown()))

/** An action by its number, or a tool called with its arguments: the same simulator either way. */
export const ActionData = t.Union([
  t.Object({ action: t.Integer({ minimum: 0 }), metadata }, closed),
  t.Object(
    {
      name: t.String({ minLength: 1, maxLength: 200 }),
      arguments: t.Optional(t.Record(t.String(), t.Unknown())),
      metadata,
    },
    closed,
  ),
])
export type ActionData = Static<typeof ActionData>

export const messages = {
  reset: t.Object({ type: t.Literal('reset'), data: t.Optional(ResetData) }, closed),
  step: t.Object({ type: t.Literal('step'), data: ActionData }, closed),
  state: t.Object({ type: t.Literal('state') }, closed),
  close: t.Object({ type: t.Literal('close') }, closed),
}
export type Message =
  | Static<typeof messages.reset>
  | Static<typeof messages.step>
  | Static<typeof messages.state>
  | Static<typeof messages.close>

/** @throws WireError when it is none */
export const messageOf = (text: string): Message => {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    throw new WireError('INVALID_JSON', `Invalid JSON: ${(error as Error).message}`)
  }
  const type = (given as { type?: unknown } | null)?.type
  if (typeof type !== 'string' || !Object.hasOwn(messages, type)) {
    const name = typeof type === 'string' ? type.slice(0, 100) : ''
    throw new WireError('UNKNOWN_TYPE', `Unknown message type: ${name}`)
  }
  return fitting(messages[type as keyof typeof messages], given)
}

/** @throws WireError `VALIDATION_ERROR` with the places that do not fit */
export const fitting = <S extends TSchema>(schema: S, given: unknown): Static<S> => {
  if (Value.Check(schema, given)) return given
  const errors = [...Value.Errors(schema, given)].slice(0, 5).map(({ path, message }) => ({
    type: 'value_error',
    loc: path.split('/').slice(1),
    msg: message,
  }))
  throw new WireError('VALIDATION_ERROR', 'Invalid message', { errors })
}
