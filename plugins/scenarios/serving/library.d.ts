/** Native libraries that are embedded by `with { type: 'file' }` are paths to the compiler. */
declare module 'onnxruntime-node/bin/*' {
  const path: string
  export default path
}
