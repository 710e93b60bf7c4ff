/** From uploaded files to what programs find in their folder: archives are taken apart. */
import type { Blobs, Who } from '../../../src/sdk.ts'
import { badRequest } from '../errors.ts'
import type { KeptFile } from '../journal/node.ts'
import type { Files } from './files.ts'
import { distinct, typeOf } from './names.ts'
import { unzip, unzipBudget } from './unzip.ts'

export interface InputsOptions {
  readonly files: Files
  readonly blobs: Blobs
}

/**
 * `use` gets the files, and must name their bytes somewhere to keep them: what nobody names when it
 * is done, or when a later file is refused, is deleted.
 * @throws HearthError FILE_NOT_FOUND, VALIDATION_ERROR
 */
export const withInputs = async <T>(
  { files, blobs }: InputsOptions,
  who: Who,
  ids: readonly string[],
  use: (inputs: readonly KeptFile[]) => Promise<T>,
): Promise<T> => {
  const taken = new Set<string>()
  const inputs: KeptFile[] = []
  const unpacked: string[] = []
  const add = (file: KeptFile): void => {
    const path = distinct(file.path, taken)
    taken.add(path)
    inputs.push({ ...file, path })
  }
  try {
    const found = await Promise.all([...new Set(ids)].map((id) => files.find(who, id)))
    const budget = unzipBudget()
    for (const { name, sha256, sizeBytes } of found) {
      const file = { path: name, sha256, sizeBytes }
      if (typeOf(name) !== 'zip') add(file)
      else {
        await unzip(blobs, file, budget, (entry) => {
          unpacked.push(entry.sha256)
          add(entry)
        })
      }
    }
    refuseFoldersThatAreFiles(taken)
    return await use(inputs)
  } catch (error) {
    await files.release(unpacked)
    throw error
  }
}

/** `data` and `data/train.csv` cannot lie in one folder. */
const refuseFoldersThatAreFiles = (paths: ReadonlySet<string>): void => {
  for (const path of paths) {
    for (let cut = path.indexOf('/'); cut > 0; cut = path.indexOf('/', cut + 1)) {
      const folder = path.slice(0, cut)
      if (paths.has(folder)) throw badRequest(`${folder} would be a file and a folder`)
    }
  }
}
