/** Everybody's own settings: what a page offers first. Keys go in and never come out. */
import { type Database, router, sql, Type as t } from '../../src/sdk.ts'
import { frameworks } from './frameworks.ts'

const tags = ['settings']
const key = t.Union([t.String({ maxLength: 1000 }), t.Null()])

const settingsBody = t.Object({
  framework: t.Optional(t.Union([...frameworks.map((name) => t.Literal(name)), t.Null()])),
  llmProvider: t.Optional(
    t.Union([t.Literal('OpenAI'), t.Literal('Anthropic'), t.Literal('None'), t.Null()]),
  ),
  maxEpisodes: t.Optional(t.Union([t.Integer({ minimum: 1, maximum: 10_000_000 }), t.Null()])),
  learningRate: t.Optional(t.Union([t.Number({ exclusiveMinimum: 0, maximum: 1 }), t.Null()])),
  autoSave: t.Optional(t.Union([t.Boolean(), t.Null()])),
  openaiKey: t.Optional(key),
  anthropicKey: t.Optional(key),
})

const defaults = {
  framework: 'Native',
  llmProvider: 'None',
  maxEpisodes: 200,
  learningRate: 0.001,
  autoSave: true,
  openaiKey: '',
  anthropicKey: '',
}
type Settings = typeof defaults

export const settingsRoutes = (db: Database) => {
  const read = async (ownerId: number): Promise<Settings> => {
    const [row] = await db.rows<{ data: string }>(sql`
      select data from scenarios_settings where owner_id = ${ownerId}`)
    return { ...defaults, ...(row && (JSON.parse(row.data) as Partial<Settings>)) }
  }
  return router()
    .get('/api/settings', async ({ who }) => shown(await read(who.id)), {
      detail: { tags, summary: 'Get the settings' },
    })
    .put(
      '/api/settings',
      async ({ body, who }) => {
        // null means unchanged, as does what is left out.
        const given = Object.entries(body).filter(([, value]) => value !== null)
        const now = { ...(await read(who.id)), ...(Object.fromEntries(given) as Partial<Settings>) }
        const data = JSON.stringify(now)
        await db.run(sql`insert into scenarios_settings (owner_id, data)
          values (${who.id}, ${data}) on conflict (owner_id) do update set data = ${data}`)
        return shown(now)
      },
      { body: settingsBody, detail: { tags, summary: 'Change some settings' } },
    )
}

const mask = (value: string): string => (value === '' ? '' : '********')

const shown = (settings: Settings): Settings => ({
  ...settings,
  openaiKey: mask(settings.openaiKey),
  anthropicKey: mask(settings.anthropicKey),
})
