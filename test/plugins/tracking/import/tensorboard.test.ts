/** Event files of TensorFlow, PyTorch and JAX are read exactly, damaged ones are told. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { maskedCrc32c } from '../../../../plugins/tracking/import/crc32c.ts'
import type { ImportedPoint } from '../../../../plugins/tracking/import/point.ts'
import { readTensorBoard } from '../../../../plugins/tracking/import/tensorboard.ts'
import { runPython, testWithPython } from '../reference.ts'

const folder = await mkdtemp(join(tmpdir(), 'hearth-events-'))
afterAll(() => rm(folder, { recursive: true }))

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const read = async (bytes: Uint8Array, chunkBytes = 65_536): Promise<ImportedPoint[]> =>
  Array.fromAsync(readTensorBoard(chunked(bytes, chunkBytes)))

/* Written by hand from the format's own description, so that no Python is needed. */

const message = (...parts: (number | Uint8Array)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : part)))

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]

const lengthDelimited = (field: number, bytes: Uint8Array): Uint8Array =>
  message((field << 3) | 2, ...varint(bytes.length), bytes)

const double = (value: number): Uint8Array => new Uint8Array(Float64Array.of(value).buffer)
const float = (value: number): Uint8Array => new Uint8Array(Float32Array.of(value).buffer)
const tag = (name: string): Uint8Array => lengthDelimited(1, Buffer.from(name))
const simple = (name: string, value: number): Uint8Array =>
  lengthDelimited(1, message(tag(name), (2 << 3) | 5, float(value)))
const tensor = (name: string, ...parts: (number | Uint8Array)[]): Uint8Array =>
  lengthDelimited(1, message(tag(name), lengthDelimited(8, message(...parts))))

const event = (seconds: number, step: number, ...values: Uint8Array[]): Uint8Array =>
  message((1 << 3) | 1, double(seconds), 2 << 3, step, lengthDelimited(5, message(...values)))

const record = (data: Uint8Array): Uint8Array => {
  const header = new Uint8Array(12)
  const view = new DataView(header.buffer)
  view.setBigUint64(0, BigInt(data.length), true)
  view.setUint32(8, maskedCrc32c(header.subarray(0, 8)), true)
  return message(header, data, new Uint8Array(Uint32Array.of(maskedCrc32c(data)).buffer))
}

const fileVersion = record(
  message((1 << 3) | 1, double(1), lengthDelimited(3, Buffer.from('brain.Event:2'))),
)
const loss = (step: number): Uint8Array => record(event(step / 4, step, simple('loss', step / 2)))
const lossPoint = (step: number): ImportedPoint => ({
  name: 'loss',
  value: step / 2,
  step,
  time: step * 250_000,
})

test('the checksum is the one of RFC 3720, masked', () => {
  const crc = 0xe3069283
  expect(maskedCrc32c(Buffer.from('123456789'))).toBe(
    ((((crc >>> 15) | (crc << 17)) >>> 0) + 0xa282ead8) % 2 ** 32,
  )
})

test('scalars are read, whatever the size of the chunks', async () => {
  const file = message(fileVersion, loss(1), loss(2), loss(3))
  for (const chunkBytes of [1, 7, 13, 1000]) {
    expect(await read(file, chunkBytes)).toEqual([1, 2, 3].map(lossPoint))
  }
})

test('scalar tensors of every type are read; others are passed over', async () => {
  const dtype = (number: number): Uint8Array => Uint8Array.of(1 << 3, number)
  const content = (bytes: ArrayLike<number>): Uint8Array =>
    lengthDelimited(4, Uint8Array.from(bytes))
  const shape = (...sizes: number[]): Uint8Array =>
    lengthDelimited(
      2,
      message(...sizes.map((size) => lengthDelimited(2, Uint8Array.of(1 << 3, size)))),
    )
  const file = record(
    event(
      1,
      9,
      tensor('content', dtype(1), shape(), content(float(1.5))),
      tensor('float_val', dtype(1), (5 << 3) | 5, float(2.5)),
      tensor('packed', dtype(1), lengthDelimited(5, float(3.5))),
      tensor('double', dtype(2), shape(1, 1), content(double(Number.NaN))),
      tensor('int64', dtype(9), 10 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
      tensor('half', dtype(19), content([0x00, 0x3e])),
      tensor('bfloat16', dtype(14), 13 << 3, 0xc0, 0x7f),
      tensor('bool', dtype(10), 11 << 3, 1),
      tensor('vector', dtype(1), shape(2), content([...float(1), ...float(2)])),
      tensor('text', dtype(7), lengthDelimited(8, Buffer.from('x'))),
      lengthDelimited(1, message(tag('image'), lengthDelimited(4, Uint8Array.of(8, 1)))),
    ),
  )
  const at = { step: 9, time: 1_000_000 }
  expect(await read(file)).toEqual([
    { name: 'content', value: 1.5, ...at },
    { name: 'float_val', value: 2.5, ...at },
    { name: 'packed', value: 3.5, ...at },
    { name: 'double', value: Number.NaN, ...at },
    { name: 'int64', value: -1, ...at },
    { name: 'half', value: 1.5, ...at },
    { name: 'bfloat16', value: 1.5, ...at },
    { name: 'bool', value: 1, ...at },
  ])
})

test('a file cut anywhere in its last record gives the records before', async () => {
  const whole = message(fileVersion, loss(1))
  const last = loss(2)
  for (let cut = 0; cut < last.length; cut++) {
    expect(await read(message(whole, last.subarray(0, cut)))).toEqual([lossPoint(1)])
  }
})

test('a damaged record is told with its place', async () => {
  const file = message(fileVersion, loss(1), loss(2))
  const start = fileVersion.length
  const flip = (at: number): Uint8Array => file.map((byte, i) => (i === at ? byte ^ 1 : byte))
  const refusal = (problem: string) =>
    expect.objectContaining({ code: 'bad_request', message: `The record at byte ${problem}` })
  await expect(read(flip(start + 14))).rejects.toEqual(refusal(`${start} is damaged`))
  await expect(read(flip(start + 2))).rejects.toEqual(refusal(`${start} has a damaged length`))
  await expect(read(Buffer.from('step,loss\n1,2\n3,4\n'))).rejects.toEqual(
    refusal('0 is no TensorBoard event file'),
  )
  await expect(read(record(message((5 << 3) | 2, 200)))).rejects.toThrow('the message is cut')
  await expect(read(record(event(Infinity, 1, simple('a', 1))))).rejects.toThrow(
    'the time is out of range',
  )
})

const writer = `
import sys, json, math
from tensorboardX import SummaryWriter
from tensorboardX.proto import event_pb2, summary_pb2, tensor_pb2
import numpy as np
w = SummaryWriter(sys.argv[1])
expected = []
def add(name, value, step, time):
    w.add_scalar(name, value, step, walltime=time)
    expected.append([name, str(float(np.float32(value))), step, round(time * 1e6)])
for step in range(500):
    add('train/loss', 1 / (step + 1), step, 1700000000 + step / 8)
add('größe', float('nan'), 3, 1700000100.25)
add('train/loss', float('inf'), 2, 1700000100.5)
add('train/loss', float('-inf'), -5, 1700000100.75)
w.add_histogram('weights', np.arange(100), 1)
w.add_text('note', 'hello', 1)
tensor = tensor_pb2.TensorProto(dtype='DT_DOUBLE', double_val=[0.1])
value = summary_pb2.Summary.Value(tag='tf2', tensor=tensor)
event = event_pb2.Event(summary=summary_pb2.Summary(value=[value]))
w.file_writer.add_event(event, 7, 1700000200.5)
expected.append(['tf2', str(0.1), 7, 1700000200500000])
w.close()
print(json.dumps(expected))
`

testWithPython('files of tensorboardX are read exactly', async () => {
  const expected = JSON.parse(await runPython(writer, [folder])) as [
    string,
    string,
    number,
    number,
  ][]
  const [file] = await readdir(folder)
  const points = await read(await Bun.file(join(folder, file as string)).bytes())
  const spelled = (value: number): string =>
    value !== value ? 'nan' : String(value).replace('Infinity', 'inf')
  const wanted = expected.map(([name, value, step, time]) => ({
    name,
    value: spelled(Number(value.replace('inf', 'Infinity'))),
    step,
    time,
  }))
  expect(points.map((point) => ({ ...point, value: spelled(point.value) }))).toEqual(wanted)
})
