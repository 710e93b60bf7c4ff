/** The layers of the network as they are. */
import { modelPaths } from '../manifest.ts'
import { HearthError } from '../../../../src/sdk.ts'
import type { ExportFormat } from './format.ts'

export const json: ExportFormat = {
  title: 'the layers of the network as they are',
  kinds: ['policy'],
  async make({ model, file, paths }) {
    if (!paths.includes(modelPaths.policy)) {
      const message = 'The layers of the model are not known: it has an ONNX file only'
      throw new HearthError('conflict', message)
    }
    const body = await file(modelPaths.policy)
    return { name: `${model.id}.json`, mediaType: 'application/json', body }
  },
}
