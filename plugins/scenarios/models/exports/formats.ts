/** The table of export formats: routes and documents follow it. */
import { HearthError } from '../../../../src/sdk.ts'
import { autogen, crewai, langchain } from './agents.ts'
import type { ExportedFile, ExportFormat, ExportSource } from './format.ts'
import { json } from './json.ts'
import { lora } from './lora.ts'
import { onnx } from './onnx.ts'
import { promptpack } from './promptpack.ts'

export const formats: Readonly<Record<string, ExportFormat>> = {
  onnx,
  json,
  langchain,
  autogen,
  crewai,
  promptpack,
  lora,
}

/** @throws HearthError `validation`: no such format; `conflict`: not for that kind of model */
export const exported = async (name: string, source: ExportSource): Promise<ExportedFile> => {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined
  if (!format) {
    const message = `format must be one of ${Object.keys(formats).join(', ')}`
    throw new HearthError('validation', message, { issues: [{ path: 'query.format', message }] })
  }
  const { kind } = source.model
  if (!format.kinds.includes(kind)) {
    throw new HearthError('conflict', `${name} is ${format.title}: this model is of kind ${kind}`)
  }
  return format.make(source)
}

/** What is meant when no format is named. */
export const usualFormat = { policy: 'onnx', adapter: 'lora', prompt: 'promptpack' } as const
