/** Asks for an environment as an agent's process would; reports its phases and the folder. */
import { ensureEnvironment } from '../../../runners/python-env/environment.ts'

const [cacheDir = '', usedBy = '', ...requirements] = process.argv.slice(2)

const { binDir } = await ensureEnvironment(
  { requirements },
  {
    cacheDir,
    usedBy,
    report: (detail) => {
      process.stdout.write(`phase ${detail}\n`)
    },
  },
)
process.stdout.write(`binDir ${binDir}\n`)
