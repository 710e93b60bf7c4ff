/** Writes a policy as an ONNX model (opset 17, IR 8): `observation` in, `logits` out, any batch. */
import { floatsOf, type PolicyFile } from './policy-file.ts'
import { block, joined, whole } from './protobuf.ts'

const irVersion = 8
const opset = 17
const float32 = 1

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9 (little endian). */
const tensor = (name: string, dims: readonly number[], values: Float32Array): Uint8Array =>
  joined(
    dims.map((size) => whole(1, size)),
    whole(2, float32),
    block(8, name),
    block(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  )

/** NodeProto: input 1, output 2, name 3, op_type 4. */
const node = (type: string, inputs: readonly string[], output: string): Uint8Array =>
  joined(
    inputs.map((input) => block(1, input)),
    block(2, output),
    block(3, output),
    block(4, type),
  )

/** ValueInfoProto: a batch of any size, rows of `width`. */
const value = (name: string, width: number): Uint8Array => {
  const batch = block(2, 'batch')
  const shape = joined(block(1, batch), block(1, whole(1, width)))
  const type = block(1, joined(whole(1, float32), block(2, shape)))
  return joined(block(1, name), block(2, type))
}

/** `trainingDigest` goes into its metadata, beside the scenario and the names of the actions. */
export const onnxOf = (policy: PolicyFile, trainingDigest: string): Uint8Array => {
  const last = policy.layers.length - 1
  let from = 'observation'
  const nodes: Uint8Array[] = []
  const tensors: Uint8Array[] = []
  for (const [i, { inputs, outputs, weights, bias }] of policy.layers.entries()) {
    const sum = i === last ? 'logits' : `sum_${i}`
    tensors.push(tensor(`weights_${i}`, [inputs, outputs], floatsOf(weights)))
    tensors.push(tensor(`bias_${i}`, [outputs], floatsOf(bias)))
    nodes.push(node('Gemm', [from, `weights_${i}`, `bias_${i}`], sum))
    if (i < last) nodes.push(node('Tanh', [sum], `hidden_${i}`))
    from = `hidden_${i}`
  }
  const graph = joined(
    nodes.map((one) => block(1, one)),
    block(2, policy.scenario.id),
    tensors.map((one) => block(5, one)),
    block(11, value('observation', policy.observations)),
    block(12, value('logits', policy.actions.length)),
  )
  const properties = {
    scenario: `${policy.scenario.id}@${policy.scenario.version}`,
    actions: JSON.stringify(policy.actions),
    training_digest: trainingDigest,
  }
  return joined(
    whole(1, irVersion),
    block(2, 'hearth'),
    block(7, graph),
    block(8, whole(2, opset)),
    Object.entries(properties).map(([key, text]) =>
      block(14, joined(block(1, key), block(2, text))),
    ),
  )
}
