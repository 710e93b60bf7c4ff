/** An adapter of a language model as one archive, with a program that loads it. */
import { downloadZip } from 'client-zip'
import loadSource from './lora/load.py' with { type: 'text' }
import readme from './lora/readme.txt' with { type: 'text' }
import type { ExportFormat } from './format.ts'

const folder = 'model/adapter/'

export const lora: ExportFormat = {
  title: 'an adapter for peft, with its configuration',
  kinds: ['adapter'],
  async make({ model, file, paths }) {
    const { base = 'the base model' } = JSON.parse(model.lineage) as { base?: string }
    const at = new Date(model.created_at)
    const told = readme.replaceAll('{{model}}', model.id).replaceAll('{{base}}', base)
    const parts = [
      { name: 'README.md', input: told, lastModified: at },
      { name: 'load.py', input: loadSource, lastModified: at },
    ]
    const files = async function* () {
      yield* parts
      for (const path of paths.filter((one) => one.startsWith(folder))) {
        yield { name: path.slice(folder.length), input: await file(path), lastModified: at }
      }
    }
    const { body } = downloadZip(files())
    if (!body) throw new Error('The archive has no body')
    return { name: `${model.id}.zip`, mediaType: 'application/zip', body }
  },
}
