/** Compiles the kernel of scenarios from its source: `bun run kernel`, and `bun run build`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from './command.ts'

const root = join(import.meta.dir, '..')
const folder = join(root, 'plugins/scenarios/kernel')
const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--importMemory']

/** The bytes of the kernel as its source says. */
export const compileKernel = async (): Promise<Uint8Array> => {
  const work = await mkdtemp(join(tmpdir(), 'hearth-kernel-'))
  try {
    // The compiler wants a name of TypeScript's, which it is not.
    const source = join(work, 'kernel.ts')
    const target = join(work, 'kernel.wasm')
    await Bun.write(source, Bun.file(join(folder, 'kernel.as')))
    const compiler = join(root, 'node_modules/assemblyscript/bin/asc.js')
    await must([process.execPath, compiler, source, '-o', target, ...options], { cwd: work })
    return await Bun.file(target).bytes()
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

if (import.meta.main) await Bun.write(join(folder, 'kernel.wasm'), await compileKernel())
