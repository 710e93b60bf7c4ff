/** Writes archives by hand, also ones that no tool would write. */
import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipEntry {
  readonly name: string
  readonly bytes: string | Uint8Array
  /** As the list of entries claims. */
  readonly crc?: number
  readonly size?: number
  /** In place of the deflated bytes. */
  readonly raw?: Uint8Array
  /** Of Unix. */
  readonly mode?: number
}

/** PKWARE's APPNOTE, 4.3: local headers with the data, then the central directory. */
export const zipSync = (entries: readonly ZipEntry[]): Uint8Array => {
  const parts: Buffer[] = []
  const list: Buffer[] = []
  let offset = 0
  for (const { name, bytes, crc, size, raw, mode = 0o100644 } of entries) {
    const data = Buffer.from(bytes as string)
    const packed = Buffer.from(raw ?? deflateRawSync(data))
    const path = Buffer.from(name)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(0x800, 2)
    common.writeUInt16LE(8, 4)
    common.writeUInt32LE(crc ?? crc32(data), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(size ?? data.length, 18)
    common.writeUInt16LE(path.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, path, packed])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE((mode << 16) >>> 0, 6)
    rest.writeUInt32LE(offset, 10)
    const madeBy = Buffer.from([20, 3])
    list.push(Buffer.concat([Buffer.from('PK\x01\x02'), madeBy, common, rest, path]))
    parts.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(list)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, directory, Buffer.from('PK\x05\x06'), end])
}
