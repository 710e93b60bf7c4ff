/** `hearth nodes`: the machines that run jobs, and how others join them. */
import { UsageError, type Given, wholeNumberOf } from './arguments.ts'
import { type ClientVerb, type Context, Refusal } from './client-verb.ts'
import { nearest } from './nearest.ts'
import { formatSize, parseDuration } from './quantities.ts'
import { plainText } from './style.ts'
import { table } from './table.ts'
import { colourOf, shortId } from './wording.ts'
import type { NodeView } from '../jobs/node-list.ts'

const options = {
  name: { type: 'string' },
  expires: { type: 'string' },
  uses: { type: 'string' },
} as const

type Values = Given<typeof options>['values']
type Action = (rest: readonly string[], values: Values, context: Context) => Promise<void>

export const nodes: ClientVerb<typeof options> = {
  name: 'nodes',
  help: `List the machines that run jobs, and manage them

  hearth nodes
  hearth nodes token                       for one machine, good for a day
  hearth nodes token --expires 1h --uses 4
  hearth nodes drain gpu1                  no new work; what runs runs on
  hearth nodes undrain gpu1
  hearth nodes remove gpu1                 its credential is void
  hearth nodes tokens
  hearth nodes revoke 3                    that join token

  --name NAME      of a join token, to know it by
  --expires 1h     or \`never\`
  --uses N         machines that may join with it, or \`any\`
`,
  options,
  async run({ values, positionals }, context) {
    const [word = 'list', ...rest] = positionals
    const action = actions[word]
    if (!action) {
      const meant = nearest(word, Object.keys(actions))
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`
      throw new UsageError(`there is no \`hearth nodes ${word}\`${hint}`)
    }
    await action(rest, values, context)
    return 0
  },
}

const list: Action = async (_, __, { api, output }) => {
  const found = await api.json<NodeView[]>('GET', '/api/nodes')
  for (const node of found) await output.record(node)
  const { style } = output
  const head = ['NAME', 'STATE', 'SLOTS', 'CPUS', 'MEMORY', 'GPUS', 'JOBS', 'LABELS']
  const rows = found.map((node) => [
    plainText(node.name),
    { text: node.state, paint: colourOf(style, node.state) },
    share(node.free?.slots, node.capacity?.slots),
    share(node.free?.cpus, node.capacity?.cpus),
    node.capacity ? formatSize(node.capacity.memoryBytes) : '-',
    gpusOf(node),
    node.jobs.length === 0 ? '-' : node.jobs.map(shortId).join(' '),
    plainText(node.capacity?.labels.join(' ') ?? ''),
  ])
  const { columns } = process.stdout
  await output.print(
    rows.length === 0
      ? 'no nodes: `hearth nodes token` makes a token for one to join'
      : table(head, rows, { columns, paintHead: style.bold }),
  )
}

/** `2/8 free`. */
const share = (free: number | undefined, all: number | undefined): string =>
  all === undefined ? '-' : `${free ?? 0}/${all} free`

const gpusOf = ({ capacity, free }: NodeView): string => {
  const [first, ...others] = capacity?.gpus ?? []
  if (!first) return '-'
  const all = 1 + others.length
  const model = plainText(first.model)
  return `${free?.gpus.length ?? 0}/${all} free, ${model} ${formatSize(first.memoryBytes)}`
}

interface TokenView {
  readonly id: number
  readonly name: string
  readonly prefix: string
  readonly expires_at: string | null
  readonly uses_left: number | null
  readonly token?: string
}

const makeToken: Action = async (_, values, { api, output }) => {
  const made = await api.json<TokenView>('POST', '/api/nodes/tokens', {
    ...(values.name !== undefined && { name: values.name }),
    ...(values.expires !== undefined && { expires_in_s: secondsOf(values.expires) }),
    ...(values.uses !== undefined && {
      uses: values.uses === 'any' ? null : wholeNumberOf('uses', values.uses, 1),
    }),
  })
  await output.record(made)
  await output.print(made.token ?? '')
  output.note(`
Shown once. ${boundsOf(made)}. On the machine that is to join:

  hearth agent --server ${api.url} --token ${made.token ?? ''}`)
}

const secondsOf = (text: string): number | null => {
  if (text === 'never') return null
  const ms = parseDuration(text)
  if (ms !== undefined && ms >= 1000) return Math.round(ms / 1000)
  throw new UsageError(`--expires: expected a time like 1h or 7d, or never, not ${text}`)
}

const boundsOf = ({ expires_at: at, uses_left: left }: TokenView): string =>
  `${left === null ? 'Any number of machines' : left === 1 ? 'One machine' : `${left} machines`} ` +
  (at === null ? 'at any time' : `until ${at}`)

const listTokens: Action = async (_, __, { api, output }) => {
  const found = await api.json<TokenView[]>('GET', '/api/nodes/tokens')
  for (const token of found) await output.record(token)
  const rows = found.map((token) => [
    String(token.id),
    `${token.prefix}...`,
    boundsOf(token),
    plainText(token.name),
  ])
  const paintHead = output.style.bold
  const { columns } = process.stdout
  await output.print(
    rows.length === 0
      ? 'no tokens'
      : table(['ID', 'TOKEN', 'FOR', 'NAME'], rows, { columns, paintHead }),
  )
}

const revoke: Action = async ([id = ''], _, { api, output }) => {
  const done = await api.json<object>('DELETE', `/api/nodes/tokens/${wholeNumberOf('id', id, 1)}`)
  await output.record(done)
  await output.print(`token ${id} revoked; nodes that joined with it stay`)
}

const findNode = async (given: string | undefined, { api }: Context): Promise<NodeView> => {
  if (given === undefined) throw new UsageError('which node? Give its name')
  const all = await api.json<NodeView[]>('GET', '/api/nodes')
  const named = all.filter(({ id, name }) => name === given || id === given)
  const found = named.length > 0 ? named : all.filter(({ id }) => id.startsWith(given))
  if (found.length === 1) return found[0] as NodeView
  if (found.length > 1) throw new Refusal(`several nodes are meant by ${given}`)
  const meant = nearest(
    given,
    all.map(({ name }) => name),
  )
  throw new Refusal(`there is no node ${given}${meant ? `; did you mean ${meant}?` : ''}`)
}

const drain =
  (wanted: boolean): Action =>
  async ([given], _, context) => {
    const { id, name } = await findNode(given, context)
    const node = await context.api.json<NodeView>('POST', `/api/nodes/${id}/drain`, {
      drain: wanted,
    })
    await context.output.record(node)
    await context.output.print(
      wanted ? `${name} gets no new work; what runs runs on` : `${name} gets work again`,
    )
  }

const remove: Action = async ([given], _, context) => {
  const { id, name } = await findNode(given, context)
  await context.output.record(await context.api.json<object>('DELETE', `/api/nodes/${id}`))
  await context.output.print(`${name} is removed; its credential is void`)
}

const actions: Readonly<Record<string, Action>> = {
  list,
  token: makeToken,
  tokens: listTokens,
  revoke,
  drain: drain(true),
  undrain: drain(false),
  remove,
}
