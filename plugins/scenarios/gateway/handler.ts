/** The gateway's wire: agents begin rollouts, ask models, call tools and end, by web requests. */
import { HearthError } from '../../../src/sdk.ts'
import { bodyOf, chatIn, toolBody, wishBody } from './bodies.ts'
import {
  type ChatRequest,
  respond,
  type RolloutChatRequest,
  rolloutChatBody,
  textCompletion,
} from './completion.ts'
import { onlyKnown } from '../known-keys.ts'
import type { Gateway, RolloutWish } from './gateway.ts'
import { toldAsOpenAi } from './refusals.ts'
import { episodeOver, type Rollout } from './rollout.ts'

interface Visit {
  readonly gateway: Gateway
  readonly request: Request
  /** Where the gateway is. */
  readonly base: string
  readonly id: string
  readonly name: string
}

/**
 * Answers a request whose path begins with `prefix` (`/api/agents`, say; empty: the root).
 * Errors are answered, in OpenAI's words below `/v1/`; what nobody foresaw is thrown.
 */
export const answerGateway = async (
  gateway: Gateway,
  request: Request,
  prefix = '',
): Promise<Response> => {
  const { pathname, origin } = new URL(request.url)
  const path = pathname.slice(prefix.length)
  try {
    const known = routes.flatMap(([method, pattern, handle]) => {
      const found = pattern.exec(path)
      return found ? [{ method, handle, found }] : []
    })
    if (known.length === 0) throw new HearthError('not_found', 'Not found: no such path')
    const route = known.find(({ method }) => method === request.method)
    if (!route) throw new HearthError('method_not_allowed')
    const [id, name] = route.found.slice(1).map(decoded)
    const base = `${origin}${prefix}`
    return await route.handle({ gateway, request, base, id: id ?? '', name: name ?? '' })
  } catch (error) {
    if (/^\/rollouts\/[^/]+\/v1\//.test(path)) return toldAsOpenAi(error)
    if (!(error instanceof HearthError)) throw error
    const { status, message, code, issues, headers } = error
    const errors = issues.length > 0 ? { errors: issues } : {}
    return Response.json({ detail: message, code, ...errors }, { status, headers })
  }
}

const begin = async ({ gateway, request, base }: Visit): Promise<Response> => {
  const wish = await bodyOf<RolloutWish>(request, wishBody)
  onlyKnown(wish, wishBody)
  return Response.json(offerOf(await gateway.begin(wish), base))
}

const next = async ({ gateway, base }: Visit): Promise<Response> => {
  if (!gateway.next) throw new HearthError('not_found', 'Nobody hands out work here')
  const rollout = await gateway.next()
  return rollout ? Response.json(offerOf(rollout, base)) : new Response(null, { status: 204 })
}

/** What an agent needs to begin. */
const offerOf = ({ order, scenario, conversation, heard }: Rollout, base: string) => ({
  rollout_id: order.id,
  base_url: `${base}/rollouts/${order.id}/v1`,
  scenario_id: scenario.spec.id,
  split: order.split,
  episode: order.episode,
  model: order.model,
  system: conversation.system,
  user: heard.opening,
  tools: conversation.tools.map((tool) => ({ type: 'function', function: tool })),
})

const show = async ({ gateway, id }: Visit): Promise<Response> => {
  const rollout = await gateway.look(id)
  const { order, scenario, status, reason, player, steps } = rollout.state
  return Response.json({
    rollout_id: id,
    scenario,
    split: order.split,
    episode: order.episode,
    status,
    reason,
    player,
    ...(rollout.isOver && rollout.ended),
    steps,
    events: await gateway.events(id),
  })
}

const end = async ({ gateway, id }: Visit): Promise<Response> =>
  Response.json(await gateway.change(id, (rollout) => rollout.end()))

const callTool = async ({ gateway, request, id, name }: Visit): Promise<Response> => {
  const given = await bodyOf<Record<string, unknown>>(request, toolBody)
  return Response.json(await gateway.change(id, (rollout) => rollout.call(name, given)))
}

const chat = async ({ gateway, request, id }: Visit): Promise<Response> => {
  const given = await chatIn<RolloutChatRequest>(request, rolloutChatBody)
  const rollout = await gateway.look(id)
  const name = rollout.order.model ?? given.model
  if (name === undefined) throw nobodyNamed()
  // So that the answer tells who it is of, whatever name the client has for it.
  const asked: ChatRequest = { ...given, model: name }
  if (rollout.isOver) return respond(asked, textCompletion(name, episodeOver))
  const { model: _, messages, tools = [], stream: __, stream_options: ___, ...parameters } = asked
  const model = await gateway.modelOf(rollout, name)
  const { steps } = rollout.state
  const { completion, drawn } = await model.answer(asked, rollout)
  const answer = completion.choices[0]?.message ?? { role: 'assistant', content: null }
  const userAgent = (request.headers.get('user-agent') ?? '').slice(0, 200)
  await gateway.change(id, (now) =>
    now.record({
      model: name,
      userAgent,
      messages,
      tools,
      parameters,
      answer,
      steps: steps.length,
      ...(drawn && { drawn }),
    }),
  )
  return respond(asked, completion)
}

const nobodyNamed = (): HearthError => {
  const message = 'must be given: the rollout was begun without a model'
  return new HearthError('validation', `model ${message}`, {
    issues: [{ path: 'body.model', message }],
  })
}

const listModels = async ({ gateway, id }: Visit): Promise<Response> => {
  const { order } = await gateway.look(id)
  const data =
    order.model === null ? [] : [{ id: order.model, object: 'model', owned_by: 'hearth' }]
  return Response.json({ object: 'list', data })
}

const routes: readonly (readonly [string, RegExp, (visit: Visit) => Promise<Response>])[] = [
  ['POST', /^\/rollouts$/, begin],
  ['POST', /^\/next$/, next],
  ['GET', /^\/rollouts\/([^/]+)$/, show],
  ['POST', /^\/rollouts\/([^/]+)\/end$/, end],
  ['POST', /^\/rollouts\/([^/]+)\/tools\/([^/]+)$/, callTool],
  ['POST', /^\/rollouts\/([^/]+)\/v1\/chat\/completions$/, chat],
  ['GET', /^\/rollouts\/([^/]+)\/v1\/models$/, listModels],
]

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new HearthError('bad_request', 'The path is not encoded well')
  }
}
