/** Where a training leaves its model, in the work folder of its job. */
export const modelPaths = { policy: 'model/policy.json', onnx: 'model/policy.onnx' } as const
