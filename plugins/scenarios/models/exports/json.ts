/** The layers of the network as they are. */
import { modelPaths } from '../manifest.ts'
import type { ExportFormat } from './format.ts'

export const json: ExportFormat = {
  title: 'the layers of the network as they are',
  kinds: ['policy'],
  make: async ({ model, file }) => ({
    name: `${model.id}.json`,
    mediaType: 'application/json',
    body: await file(modelPaths.policy),
  }),
}
