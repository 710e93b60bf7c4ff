/** The interpreter that has torch: what `bun run test` made, or made before. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'

export const torchPython =
  process.env['HEARTH_TEST_TORCH_PYTHON'] ??
  join(import.meta.dir, '../../.cache/torch-venv/bin/python')

/** Installs nothing: lends the packages that the tests have, if they are the ones asked for. */
const installer = `#!${torchPython}
import pathlib, sys
from importlib.metadata import version
given = dict(zip(sys.argv, sys.argv[1:]))
for line in open(given["--requirement"]):
    name, wanted = line.strip().split("==")
    assert version(name).split("+")[0] == wanted, f"{line.strip()}, not {version(name)}"
lib = next(pathlib.Path(given["--python"]).parent.parent.glob("lib/python*/site-packages"))
here = next(pathlib.Path(sys.prefix).glob("lib/python*/site-packages"))
(lib / "lent.pth").write_text(str(here))
`

/** Answers a folder for the PATH of a node, whose environments then have what this one has. */
export const lendTorch = async (folder: string): Promise<string> => {
  const bin = join(folder, 'bin')
  await Bun.write(join(bin, 'uv'), installer)
  await chmod(join(bin, 'uv'), 0o755)
  return bin
}
