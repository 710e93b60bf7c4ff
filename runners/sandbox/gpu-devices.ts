/** Which device files belong to leased GPUs: a sandbox shows these and no others. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const driver = '/proc/driver/nvidia/gpus'

/** What every user of the driver opens, besides the GPU itself. */
const common = ['/dev/nvidiactl', '/dev/nvidia-uvm', '/dev/nvidia-uvm-tools', '/dev/nvidia-modeset']

/** @throws when a lease names a GPU whose device is not known: all of them is not an answer */
export const gpuDevices = (
  uuids: readonly string[],
  known: ReadonlyMap<string, string> = devicesByUuid(),
): string[] => {
  if (uuids.length === 0) return []
  const leased = uuids.map((uuid) => {
    const device = known.get(uuid)
    if (!device) throw new Error(`No device file is known for the GPU ${uuid}`)
    return device
  })
  return [...new Set([...common.filter((path) => existsSync(path)), ...leased])]
}

const devicesByUuid = (): Map<string, string> => {
  const devices = new Map<string, string>()
  if (!existsSync(driver)) return devices
  for (const bus of readdirSync(driver)) {
    const text = readFileSync(join(driver, bus, 'information'), 'utf8')
    const uuid = /^GPU UUID:\s*(\S+)/m.exec(text)?.[1]
    const minor = /^Device Minor:\s*(\d+)/m.exec(text)?.[1]
    if (uuid && minor) devices.set(uuid, `/dev/nvidia${minor}`)
  }
  return devices
}
