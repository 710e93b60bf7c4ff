/** The network for any runtime of ONNX. */
import { modelPaths } from '../manifest.ts'
import type { ExportFormat } from './format.ts'

export const onnx: ExportFormat = {
  title: 'a network for any runtime of ONNX',
  kinds: ['policy'],
  make: async ({ model, file }) => ({
    name: `${model.id}.onnx`,
    mediaType: 'application/octet-stream',
    body: await file(modelPaths.onnx),
  }),
}
