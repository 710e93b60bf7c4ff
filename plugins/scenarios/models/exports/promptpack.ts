/** A prompt that was found, with everything that it takes to use it anywhere. */
import { promptPackPath } from '../../training/prompt/pack.ts'
import type { ExportFormat } from './format.ts'

export const promptpack: ExportFormat = {
  title: 'a prompt with examples and tools, for any server of OpenAI’s API',
  kinds: ['prompt'],
  make: async ({ model, file }) => ({
    name: `${model.id}.json`,
    mediaType: 'application/json',
    body: await file(promptPackPath),
  }),
}
