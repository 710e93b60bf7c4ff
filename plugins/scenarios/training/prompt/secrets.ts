/** What a job needs to ask the language model upstream: secrets of the job, in no plan or spec. */
import { HearthError, type Who } from '../../../../src/sdk.ts'
import { upstreamIn } from '../../gateway/upstream.ts'
import type { SettingsStore } from '../../settings.ts'

type Env = Readonly<Record<string, string | undefined>>

/** @throws HearthError `conflict` where none is set */
export const upstreamSecrets = async (
  env: Env,
  settings: SettingsStore,
  who: Who,
): Promise<Readonly<Record<string, string>>> => {
  const { openaiKey } = await settings.keysOf(who.id)
  const upstream = upstreamIn(env, openaiKey)
  if (upstream) {
    const { baseUrl, apiKey } = upstream
    return { OPENAI_BASE_URL: baseUrl, ...(apiKey !== '' && { OPENAI_API_KEY: apiKey }) }
  }
  throw new HearthError(
    'conflict',
    'No language model is set: OPENAI_BASE_URL and OPENAI_API_KEY of the server, or openaiKey ' +
      'in settings',
  )
}
