/** The routes of settings: what a page offers first. Keys go in and never come out. */
import { router, Type as t } from '../../src/sdk.ts'
import { frameworks } from './frameworks.ts'
import { knownOnly, onlyKnown } from './known-keys.ts'
import { mask, providers, type SettingsStore } from './settings.ts'

const tags = ['settings']
const key = t.Union([t.String({ maxLength: 1000 }), t.Null()])

const settingsBody = knownOnly({
  framework: t.Optional(t.Union([...frameworks.map((name) => t.Literal(name)), t.Null()])),
  llmProvider: t.Optional(t.Union([...providers.map((name) => t.Literal(name)), t.Null()])),
  maxEpisodes: t.Optional(t.Union([t.Integer({ minimum: 1, maximum: 10_000_000 }), t.Null()])),
  learningRate: t.Optional(t.Union([t.Number({ exclusiveMinimum: 0, maximum: 1 }), t.Null()])),
  autoSave: t.Optional(t.Union([t.Boolean(), t.Null()])),
  openaiKey: t.Optional(key),
  anthropicKey: t.Optional(key),
})

export const settingsRoutes = (settings: SettingsStore) => {
  const shown = async (ownerId: number) => {
    const { openaiKey, anthropicKey } = await settings.keysOf(ownerId)
    return {
      ...(await settings.of(ownerId)),
      openaiKey: masked(openaiKey),
      anthropicKey: masked(anthropicKey),
    }
  }
  return router()
    .get('/api/settings', ({ who }) => shown(who.id), {
      detail: { tags, summary: 'Get the settings' },
    })
    .put(
      '/api/settings',
      async ({ body, who }) => {
        onlyKnown(body, settingsBody)
        await settings.change(who.id, body)
        return shown(who.id)
      },
      { body: settingsBody, detail: { tags, summary: 'Change some settings' } },
    )
}

const masked = (key: string): string => (key === '' ? '' : mask)
